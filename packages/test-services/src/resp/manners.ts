import { bulk, textOfReply } from "./resp-frames.js";
import type { Handling, Manner } from "./resp-proxy.js";

/** Applies the first manner that does anything with a command. */
export function together(...manners: readonly Manner[]): Manner {
  return (command, connection) => {
    for (const manner of manners) {
      const handling = manner(command, connection);
      if (handling !== undefined) return handling;
    }
    return undefined;
  };
}

/** Answers these commands with an error. `"CLIENT"` means every subcommand, `"CLIENT KILL"` only one. */
export function without(...names: readonly string[]): Manner {
  return (command) => (matches(command, names) ? `-ERR unknown command '${command[0]}'\r\n` : undefined);
}

/** Closes the connection at these commands. */
export function hangingUpAt(...names: readonly string[]): Manner {
  return (command) => (matches(command, names) ? "hang-up" : undefined);
}

/** Answers these commands with `reply`, which is RESP2. */
export function answering(reply: string, ...names: readonly string[]): Manner {
  return (command) => (matches(command, names) ? reply : undefined);
}

/** Changes lines of the reply to `INFO`. A line whose name maps to `undefined` is removed; a new line is added. */
export function info(lines: Readonly<Record<string, string | undefined>>): Manner {
  return ([command]) => (command === "INFO" ? (reply) => changeInfo(reply, lines) : undefined);
}

/** Accepts only one filter in `CLIENT KILL`. */
export const oneKillFilter: Manner = (command) =>
  command[0] === "CLIENT" && command[1] === "KILL" && command.length > 4 ? "-ERR syntax error\r\n" : undefined;

/** Kills the clients that match the first filter of `CLIENT KILL`, as a server does that joins filters with OR. */
export const killByAnyFilter: Manner = (command) =>
  command[0] === "CLIENT" && command[1] === "KILL" && command.length > 4
    ? ["CLIENT", "KILL", ...command.slice(2, 4)]
    : undefined;

/** Answers reads of the keys that `isBroken` selects with an error, and `MGET` with an error in the place of each. */
export function brokenKeys(isBroken: (name: string) => boolean, error = "upstream failure"): Manner {
  return ([command, ...names]) => {
    if (command === "GET" || command === "EXISTS") return isBroken(names[0] ?? "") ? `-${error}\r\n` : undefined;
    if (command !== "MGET" || !names.some(isBroken)) return undefined;
    return (reply) => {
      const head = reply.indexOf("\r\n") + 2;
      const parts: Buffer[] = [reply.subarray(0, head)];
      let at = head;
      for (const name of names) {
        const line = reply.indexOf("\r\n", at);
        const length = Number(reply.toString("latin1", at + 1, line));
        const end = length < 0 ? line + 2 : line + 2 + length + 2;
        parts.push(isBroken(name) ? Buffer.from(`-${error}\r\n`) : reply.subarray(at, end));
        at = end;
      }
      return Buffer.concat(parts);
    };
  };
}

const noRunId = info({ run_id: undefined });

type Product = "noRunId" | "dragonfly" | "kvrocks" | "keydb" | "valkey" | "upstash" | "envoy" | "twemproxy";

/** The manners of servers and proxies that people use in place of Redis. */
export const manners: Readonly<Record<Product, Manner>> = {
  noRunId,
  dragonfly: together(oneKillFilter, info({ run_id: undefined, dragonfly_version: "df-v1.30.0" })),
  kvrocks: together(killByAnyFilter, info({ run_id: undefined, kvrocks_version: "2.12.0" })),
  /** An active replica of KeyDB. */
  keydb: together(
    answering("*5\r\n$14\r\nactive-replica\r\n$9\r\n127.0.0.1\r\n:1\r\n$9\r\nconnected\r\n:0\r\n", "ROLE"),
    // KeyDB reports its own version as `redis_version`. Only the path of the program shows the product.
    info({ redis_version: "6.3.4", executable: "/usr/bin/keydb-server" }),
  ),
  valkey: info({ redis_mode: undefined, server_mode: "standalone", server_name: "valkey", valkey_version: "8.1.0" }),
  upstash: without("CLIENT", "INFO", "ROLE", "CONFIG"),
  envoy: (command) =>
    matches(command, ["CLIENT", "INFO", "ROLE", "CONFIG", "SCAN", "SELECT"])
      ? `-ERR unsupported command '${command[0]?.toLowerCase()}'\r\n`
      : undefined,
  twemproxy: hangingUpAt("CLIENT", "INFO", "ROLE", "CONFIG", "SCAN", "SELECT"),
};

function matches([command, subcommand]: readonly string[], names: readonly string[]): boolean {
  return names.includes(command ?? "") || names.includes(`${command} ${subcommand}`);
}

function changeInfo(
  reply: Buffer,
  lines: Readonly<Record<string, string | undefined>>,
): Exclude<Handling, undefined> & string {
  const kept = (textOfReply(reply) ?? "").split("\r\n").filter((line) => !((line.split(":")[0] ?? "") in lines));
  const added = Object.entries(lines).flatMap(([name, value]) => (value === undefined ? [] : [`${name}:${value}`]));
  return bulk([...added, ...kept].join("\r\n"));
}
