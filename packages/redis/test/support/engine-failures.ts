import type { EngineFailure, FailingEngine, FailureMarks, Operation } from "@manykv/conformance";
import {
  type DedicatedRedis,
  type Handling,
  type Manner,
  RespProxy,
  randomName,
  startDedicatedRedis,
} from "@manykv/test-services";
import { Redis } from "ioredis";
import { checksum, slotOfKey } from "../../src/cluster/key-slot.js";
import { redisDriver } from "../../src/index.js";
import { urlOf } from "./addresses.js";
import { type ProxiedCluster, startProxiedCluster } from "./proxied-cluster.js";

interface Address {
  readonly host: string;
  readonly port: number;
}

const reads: readonly Operation[] = ["get", "exists", "ttl"];
const writes: readonly Operation[] = ["set", "delete", "setIfAbsent", "increment", "compareAndSwap"];
const lists: readonly Operation[] = ["list", "listBuckets"];
const everything: readonly Operation[] = [...reads, ...writes, ...lists];

const unavailable = { code: "unavailable", retryable: true, effect: "none" } as const;
const denied = { code: "access-denied", retryable: false, effect: "none" } as const;

/** An error reply of a proxy that has already sent the command to a server. */
const afterSending = { code: "unavailable", retryable: true, effect: "unknown" } as const;

type Handle = (command: readonly string[], marks: FailureMarks, node: Address) => Handling;

/** What a server replies to commands with keys that fail. */
interface ScriptedFailure extends Omit<EngineFailure, "open" | "scope"> {
  /** Returns what handles the commands of one client. */
  readonly handler: () => Handle;
}

/** Errors of single servers and of cluster nodes. Most messages contain the command, which must not leak. */
const scripted: readonly ScriptedFailure[] = [
  {
    what: "is temporarily unavailable",
    operations: everything,
    expected: unavailable,
    handler: inTurn("LOADING", "BUSY", "MISCONF", "NOREPLICAS", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "READONLY"),
  },
  {
    what: "denies access",
    operations: everything,
    expected: denied,
    handler: inTurn("NOPERM", "NOAUTH", "WRONGPASS", "DENIED"),
  },
  {
    what: "has too many clients",
    operations: ["get", "set"],
    expected: unavailable,
    handler: inTurn("ERR max number of clients reached:", "ERR max concurrent connections exceeded:"),
  },
  {
    what: "has reached a limit of the service",
    operations: ["get", "set"],
    expected: { code: "throttled", retryable: true, effect: "none", reason: "ERR" },
    handler: inTurn(
      "ERR max daily request limit exceeded:",
      "ERR max requests limit exceeded:",
      "ERR DB capacity quota exceeded:",
    ),
  },
  {
    what: "refuses a value as too long",
    operations: ["set"],
    expected: { code: "too-large", retryable: false, effect: "none", reason: "ERR" },
    handler: inTurn(
      "ERR Protocol error: invalid bulk length:",
      "ERR string exceeds maximum allowed size:",
      "ERR max request size exceeded:",
      "ERR max single record size exceeded:",
    ),
  },
  {
    what: "does not understand a command",
    operations: ["get", "set"],
    expected: { code: "internal", retryable: false, effect: "none" },
    handler: inTurn("NOPROTO", "ERR wrong number of arguments:"),
  },
  {
    what: "asks to try again",
    operations: ["get", "set"],
    // The driver reports no reason, because neither TRYAGAIN nor CROSSSLOT tells a user what to do.
    expected: { ...unavailable, reason: undefined },
    handler: inTurn("TRYAGAIN"),
  },
  {
    what: "refuses keys of several slots",
    operations: ["get", "set"],
    expected: { code: "invalid-argument", retryable: false, effect: "none", reason: undefined },
    handler: inTurn("CROSSSLOT"),
  },
  {
    what: "has no memory left",
    operations: writes,
    expected: { code: "throttled", retryable: true, effect: "none", reason: "OOM" },
    handler: inTurn("OOM"),
  },
  {
    what: "stores data of another type",
    operations: [...reads, ...writes],
    expected: { code: "wrong-type", retryable: false, effect: "none", reason: "WRONGTYPE" },
    handler: inTurn("WRONGTYPE"),
  },
  {
    what: "replies with an unknown error",
    operations: everything,
    expected: { code: "internal", retryable: false, effect: "unknown", reason: "ERR" },
    handler: inTurn("ERR"),
  },
  {
    what: "is behind a proxy that loses its connection after it has sent the command",
    operations: everything,
    expected: afterSending,
    handler: afterwards(
      messagesInTurn(
        "ERR Connection reset by peer",
        "ERR Connection timed out",
        "ERR Broken pipe",
        "upstream failure",
        "upstream protocol error",
        "finished with 2 error(s)",
      ),
    ),
  },
  {
    what: "is behind a proxy that reaches no server",
    operations: ["get", "set"],
    expected: unavailable,
    handler: messagesInTurn("no upstream host", "ERR Connection refused", "ERR Host is down", "ERR No route to host"),
  },
  {
    what: "sends a reply of the wrong type",
    operations: everything,
    expected: { code: "connection-lost", retryable: true, effect: "unknown" },
    handler: () => () => () => "+QUEUED\r\n",
  },
];

/** Replies with errors that begin with these words and end with the command, which must not leak. */
function inTurn(...words: readonly string[]): ScriptedFailure["handler"] {
  return errorsInTurn(words, (word, command) => `${word} refused: ${command.join(" ").replaceAll("\n", " ")}`);
}

function messagesInTurn(...messages: readonly string[]): ScriptedFailure["handler"] {
  return errorsInTurn(messages, (message) => message);
}

/** The server executes the command. The proxy then replaces the reply. */
function afterwards(handler: ScriptedFailure["handler"]): ScriptedFailure["handler"] {
  return () => {
    const handle = handler();
    return (...args) => {
      const reply = handle(...args);
      return typeof reply === "string" ? () => reply : reply;
    };
  };
}

/**
 * Replies with one error after the other. The command decides which error is the first one, so that each case always meets
 * the same errors and all cases together meet every error.
 */
function errorsInTurn(
  texts: readonly string[],
  messageOf: (text: string, command: readonly string[]) => string,
): ScriptedFailure["handler"] {
  return () => {
    let turn = 0;
    return (command) => {
      const text = texts[((command[0] ?? "").charCodeAt(0) + turn++) % texts.length] as string;
      return `-${messageOf(text, command)}\r\n`;
    };
  };
}

/** Ways in which one server fails: through a proxy, by the rules of its ACL and by its settings. */
export function serverFailures(server: Address): readonly EngineFailure[] {
  const throughProxy = ({ handler, ...rest }: ScriptedFailure): EngineFailure => ({
    ...rest,
    scope: "request",
    async open(marks) {
      const proxy = await RespProxy.start(server);
      const handle = handler();
      return {
        driver: redisDriver({ url: proxy.url }),
        start: () => {
          proxy.manner = failing(marks, (command) => handle(command, marks, server));
        },
        stop: () => {
          proxy.manner = () => undefined;
        },
        close: () => proxy[Symbol.asyncDispose](),
      };
    },
  });
  return [
    ...scripted.map(throughProxy),
    throughProxy({
      what: "is the node of a cluster",
      operations: ["get", "set"],
      expected: unavailable,
      handler: inTurn("MOVED", "ASK", "TRYAGAIN"),
    }),
    throughProxy({
      what: "is the node of a cluster and requires one slot for all keys",
      operations: ["get", "set"],
      expected: { code: "invalid-argument", retryable: false, effect: "none" },
      handler: inTurn("CROSSSLOT"),
    }),
    {
      ...throughProxy({
        what: "is behind a proxy that cannot serve some keys of MGET",
        operations: ["get"],
        expected: afterSending,
        handler:
          () =>
          (command, { failing }) =>
          (reply) =>
            withErrors(
              reply,
              command.map((word) => word.includes(failing)),
            ),
      }),
      scope: "key",
    },
    {
      what: "forbids some keys",
      operations: [...reads, ...writes],
      scope: "request",
      expected: { ...denied, reason: "NOPERM" },
      open: (marks) => openLimitedUser(server, marks),
    },
    ...settings("maxmemory", "1", "0", {
      what: "has reached its maximum memory",
      // The server executes a swap that changes nothing.
      operations: ["set", "setIfAbsent", "increment"],
      expected: { code: "throttled", retryable: true, effect: "none", reason: "OOM" },
    }),
    ...settings("min-replicas-to-write", "1", "0", {
      what: "lacks replicas",
      operations: ["set", "delete", "setIfAbsent", "increment"],
      expected: { ...unavailable, reason: "NOREPLICAS" },
    }),
  ];
}

/** Opens a client of a user that, while the failure runs, may only use keys that work. */
async function openLimitedUser(server: Address, { working }: FailureMarks): Promise<FailingEngine> {
  const admin = new Redis(server.port, server.host);
  const user = randomName();
  const permit = (pattern: string): Promise<unknown> => admin.call("ACL", "SETUSER", user, "resetkeys", pattern);
  await admin.call("ACL", "SETUSER", user, "on", ">password", "allkeys", "+@all");
  return {
    driver: redisDriver({ url: urlOf(server).replace("//", `//${user}:password@`) }),
    start: async () => void (await permit(`~*${working}*`)),
    stop: async () => void (await permit("allkeys")),
    close: async () => {
      await admin.call("ACL", "DELUSER", user);
      admin.disconnect();
    },
  };
}

let own: Promise<DedicatedRedis> | undefined;

/** Returns a failure that a setting causes, on a server that no other test uses. */
function settings(
  name: string,
  failing: string,
  usual: string,
  about: Omit<EngineFailure, "open" | "scope">,
): readonly EngineFailure[] {
  const open = async (): Promise<FailingEngine> => {
    own ??= startDedicatedRedis();
    const { host, port, url } = await own;
    const admin = new Redis(port, host);
    return {
      driver: redisDriver({ url }),
      direct: redisDriver({ url }),
      start: async () => void (await admin.config("SET", name, failing)),
      stop: async () => void (await admin.config("SET", name, usual)),
      close: () => admin.disconnect(),
    };
  };
  return [{ ...about, scope: "request", open }];
}

/** Stops the server that `serverFailures` has started. */
export async function stopOwnServer(): Promise<void> {
  await (await own)?.stop();
}

/** Ways in which the nodes of a cluster fail. Each node has a proxy. */
export function clusterFailures(nodes: readonly Address[]): readonly EngineFailure[] {
  const moved = (word: "MOVED" | "ASK", isOnce: boolean): Handle => {
    const seen = new Set<string>();
    return (command, { failing }, { host, port }) => {
      const name = command.find((each) => each.includes(failing)) ?? "";
      const identity = command.join(" ");
      if (isOnce && seen.has(identity)) return undefined;
      seen.add(identity);
      return `-${word} ${slotOfKey(checksum(Buffer.alloc(0)), name)} ${host}:${port}\r\n`;
    };
  };
  const redirected: readonly ScriptedFailure[] = (["MOVED", "ASK"] as const).flatMap((word) => [
    {
      what: `redirects each command again and again with ${word}`,
      operations: [...reads, ...writes],
      expected: unavailable,
      handler: () => moved(word, false),
    },
    {
      what: `redirects each command once with ${word}`,
      operations: [...reads, ...writes],
      expected: "success",
      handler: () => moved(word, true),
    },
  ]);
  return [...scripted, ...redirected].map(({ handler, ...rest }) => ({
    ...rest,
    // Of commands whose replies do not fit, the driver trusts no reply of the connection.
    scope: rest.expected !== "success" && rest.what.includes("wrong type") ? "request" : "key",
    async open(marks) {
      proxied ??= startProxiedCluster(nodes);
      const { proxies, client } = await proxied;
      const handle = handler();
      return {
        driver: redisDriver({ client }),
        start: () => {
          for (const [index, proxy] of proxies.entries())
            proxy.manner = failing(marks, (command) => handle(command, marks, nodes[index] as Address));
        },
        stop: () => {
          for (const proxy of proxies) proxy.manner = () => undefined;
        },
      };
    },
  }));
}

/** The client and the proxies of all failures of the cluster. */
let proxied: Promise<ProxiedCluster> | undefined;

/** Closes the client and the proxies that `clusterFailures` has opened. */
export async function closeProxied(): Promise<void> {
  await (await proxied)?.[Symbol.asyncDispose]();
}

/** Handles the commands that list names or that have a key that fails. */
function failing(marks: FailureMarks, handle: Manner): Manner {
  return (command, connection) =>
    command[0] === "SCAN" || command.some((word) => word.includes(marks.failing))
      ? handle(command, connection)
      : undefined;
}

/** Replaces the values of some keys in the reply to `GET` or `MGET` with errors. `fails` has one more place, for the name. */
function withErrors(reply: Buffer, fails: readonly boolean[]): Buffer | string {
  const error = "-upstream failure\r\n";
  if (reply[0] !== "*".charCodeAt(0)) return error;
  const parts: (Buffer | string)[] = [`*${fails.length - 1}\r\n`];
  let at = reply.indexOf("\r\n") + 2;
  for (const isFailing of fails.slice(1)) {
    const line = reply.indexOf("\r\n", at);
    const length = Number(reply.toString("latin1", at + 1, line));
    const end = length < 0 ? line + 2 : line + 2 + length + 2;
    parts.push(isFailing ? error : reply.subarray(at, end));
    at = end;
  }
  return Buffer.concat(parts.map((part) => Buffer.from(part)));
}
