import { randomUUID } from "node:crypto";
import { type Fault, FaultError } from "@manykv/core/driver";
import { faultOfReply } from "../error-table.js";
import { encodeCommand } from "../protocol/encode-command.js";
import { isCount, type Reply, textOf } from "../protocol/reply.js";
import { Exchange, type RespSocket } from "./resp-socket.js";

/** What the server reports about a connection and about itself. Fields that it does not report are `undefined`. */
export interface Identity {
  /**
   * The connection's id, and the client's address as the server sees it. A restarted server assigns the same ids again,
   * so an id identifies a connection only within one process.
   */
  readonly client: { readonly id: string; readonly address: string | undefined } | undefined;
  readonly database: number | undefined;
  /** Identifies one server process. Changes at every start of the server. */
  readonly runId: string | undefined;
  /**
   * The run id or, without one, a random text: then each connection counts as a connection to a new process, because
   * nothing shows that the server was not restarted.
   */
  readonly process: string;
  /**
   * The process, and the id of its replication history, which changes when the server replaces its data with that of a
   * master.
   */
  readonly history: string;
  readonly mode: "standalone" | "cluster" | "sentinel" | undefined;
  /** `active-replica`: a replica of KeyDB that accepts writes. */
  readonly role: "master" | "active-replica" | "replica" | undefined;
  /** Name of the product in lower case, such as `redis` or `valkey`. */
  readonly product: string | undefined;
  readonly version: string | undefined;
  /** Why the server cannot be made to close a lost connection. `undefined` if it can. */
  readonly cannotSettle: string | undefined;
  /** The commands at which the server closed the connection, so that the store no longer sends them. */
  readonly refused: readonly Question[];
}

/** A command that a connection sends before its first request. */
export type Question = "CLIENT INFO" | "CLIENT ID" | "CLIENT KILL" | "INFO" | "ROLE";

/** No server assigns this id, so the command closes no connection. It shows whether the server would. */
const noClient = "9223372036854775807";

const questions: Readonly<Record<Question, Buffer>> = {
  "CLIENT INFO": encodeCommand("CLIENT", "INFO"),
  "CLIENT ID": encodeCommand("CLIENT", "ID"),
  "CLIENT KILL": encodeCommand("CLIENT", "KILL", "ID", noClient),
  INFO: encodeCommand("INFO"),
  ROLE: encodeCommand("ROLE"),
};

const allQuestions = Object.keys(questions) as readonly Question[];

/** If the connection closes at a question this many times in one round, the interview stops asking the question. */
const mostStrikes = 2;

/**
 * The connections that a client opens, one directly after the other, until an interview is complete. Each round counts
 * hang-ups anew, because a server that sometimes restarts also closes connections at questions.
 */
export class Round {
  /** Whether the last connection closed at a question, so that the question must be asked again on another one. */
  hungUp = false;
  readonly strikes: Map<Question, number> = new Map();
}

/**
 * Requests information about one server, on each new connection. Some proxies close the connection at commands that
 * they do not know. Then the interview asks again on another connection, one question after the other, and remembers at
 * which questions the proxy hangs up.
 */
export class Interview {
  readonly #refused: Set<Question> = new Set();
  /** Whether the server has answered all questions that remain. Later, a broken connection is only that. */
  #passed = false;
  #careful = false;

  /**
   * Asks all questions in one round trip. If the connection closes at a question, notes this in `round`: ask again on
   * another connection, with the same round.
   *
   * @throws {FaultError} if the connection closes, or if the server is unavailable or requires a password
   */
  async ask(socket: RespSocket, round: Round): Promise<Identity> {
    const asked = allQuestions.filter((question) => !this.#refused.has(question));
    const answers = new Map<Question, Reply>();
    if (this.#careful || asked.length === 0) {
      await ping(socket);
      for (const question of asked) {
        const { replies, ending } = await exchange(socket, [questions[question]]);
        if (ending !== "complete") {
          const strikes = (round.strikes.get(question) ?? 0) + 1;
          round.strikes.set(question, strikes);
          if (strikes >= mostStrikes) this.#refused.add(question);
          round.hungUp = true;
          throw new FaultError(faultOfRefusal(undefined));
        }
        answers.set(question, replies[0] as Reply);
      }
    } else {
      const { replies, ending } = await exchange(
        socket,
        asked.map((question) => questions[question]),
      );
      if (ending !== "complete") {
        this.#careful = !this.#passed && !(replies[0] instanceof Error);
        round.hungUp = this.#careful;
        throw new FaultError(faultOfRefusal(replies[0]));
      }
      asked.forEach((question, index) => {
        answers.set(question, replies[index] as Reply);
      });
    }
    const identity = identityOf(answers, [...this.#refused]);
    this.#passed = true;
    this.#careful = false;
    return identity;
  }
}

/** Waits for any reply. Throws a {@link FaultError} if the connection closes first. */
async function ping(socket: RespSocket): Promise<void> {
  const { replies, ending } = await exchange(socket, [encodeCommand("PING")]);
  if (ending !== "complete") throw new FaultError(faultOfRefusal(replies[0]));
}

function exchange(socket: RespSocket, commands: readonly Buffer[]): Promise<Exchange> {
  const sent = new Exchange(commands.length);
  socket.send(commands.length === 1 ? (commands[0] as Buffer) : Buffer.concat(commands), sent);
  return sent.ended;
}

function identityOf(answers: ReadonlyMap<Question, Reply>, refused: readonly Question[]): Identity {
  const [client, clientId, server, role] = (["CLIENT INFO", "CLIENT ID", "INFO", "ROLE"] as const).map((question) =>
    textOfAnswer(answers.get(question)),
  );
  const id = find(client, /\bid=(\d+)/) ?? find(clientId, /^(\d+)$/);
  const address = find(client, /\baddr=(\S+)/);
  const database = find(client, /\bdb=(\d+)/);
  const runId = find(server, /^run_id:(\w+)/m);
  const process = runId ?? randomUUID().replaceAll("-", "");
  const known = { client: id === undefined ? undefined : { id, address }, runId };
  const { product, version } = productOf(server);
  return {
    ...known,
    database: database === undefined ? undefined : Number(database),
    process,
    history: `${process} ${find(server, /^master_replid:(\w+)/m)}`,
    mode: modeOf(find(server, /^(?:redis|server|valkey)_mode:(\w+)/m)),
    role: roleOf(role),
    product,
    version,
    cannotSettle: reasonNotToSettle({ ...known, product }, answers.get("CLIENT KILL")),
    refused,
  };
}

/** Returns why no connection of this server can be closed over another connection, or `undefined` if it can. */
function reasonNotToSettle(
  { client, runId, product }: Pick<Identity, "client" | "runId" | "product">,
  kill: Reply | undefined,
): string | undefined {
  if (!isKilled(kill))
    return "the server does not permit CLIENT KILL: permit it in the ACL, or connect without a proxy";
  if (client === undefined) return "the server reports no connection id: permit CLIENT INFO in the ACL";
  // Its proxy closes only the client's side. The connection to the database stays open.
  if (product === "redis-enterprise") return "CLIENT KILL of Redis Enterprise does not reach the database";
  if (runId !== undefined) return undefined;
  // Without a run id, only the address shows that an id still belongs to the lost connection. Clients on a unix socket
  // have the same address.
  if (client.address !== undefined && !client.address.endsWith(":0")) return undefined;
  return "the server reports neither a run id nor client addresses: permit INFO in the ACL";
}

/** Returns whether the reply to `CLIENT KILL` shows that the connection is closed. */
export function isKilled(reply: Reply | undefined): boolean {
  return isCount(reply) || reply === "OK" || (reply instanceof Error && /no such client/i.test(reply.message));
}

function modeOf(mode: string | undefined): Identity["mode"] {
  return mode === "standalone" || mode === "cluster" || mode === "sentinel" ? mode : undefined;
}

function roleOf(role: string | undefined): Identity["role"] {
  const word = role?.toLowerCase();
  if (word === "master" || word === "primary" || word === "leader") return "master";
  if (word === "slave" || word === "replica" || word === "secondary" || word === "follower") return "replica";
  return word === "active-replica" ? word : undefined;
}

const products: readonly (readonly [product: string, version: RegExp])[] = [
  ["valkey", /^valkey_version:(\S+)/m],
  ["dragonfly", /^dragonfly_version:(?:df-)?v?(\S+)/m],
  ["kvrocks", /^kvrocks_version:(\S+)/m],
  ["garnet", /^garnet_version:(\S+)/m],
  ["redis-enterprise", /^rlec_version:(\S+)/m],
  ["keydb", /^keydb_version:(\S+)/m],
];

function productOf(info: string | undefined): Pick<Identity, "product" | "version"> {
  for (const [product, pattern] of products) {
    const version = find(info, pattern);
    if (version !== undefined) return { product, version };
  }
  const version = find(info, /^redis_version:(\S+)/m);
  const executable = find(info, /^executable:.*?(keydb|kvrocks|dragonfly|valkey)/m);
  const product = find(info, /^server_name:(\w+)/m)?.toLowerCase() ?? executable;
  return { product: product ?? (version === undefined ? undefined : "redis"), version };
}

/** Returns the fault of a closed connection. At its `maxclients` limit, a server sends an error reply first. */
function faultOfRefusal(reply: Reply | undefined): Fault {
  if (reply instanceof Error) return { ...faultOfReply(reply), effect: "none" };
  return { code: "unavailable", retryable: true, effect: "none" };
}

/** Returns a reply's text, or `undefined` for an error such as NOPERM. Throws for NOAUTH and an unavailable server. */
function textOfAnswer(reply: Reply | undefined): string | undefined {
  if (reply instanceof Error) {
    const fault = faultOfReply(reply);
    if (fault.reason === "NOAUTH" || fault.code === "unavailable") throw new FaultError({ ...fault, effect: "none" });
    return undefined;
  }
  return textOf(Array.isArray(reply) ? reply[0] : reply);
}

function find(text: string | undefined, pattern: RegExp): string | undefined {
  return text === undefined ? undefined : pattern.exec(text)?.[1];
}
