import { type Fault, FaultError } from "@manykv/core/driver";
import { faultOfReply } from "../error-table.js";
import { encodeCommand } from "../protocol/encode-command.js";
import type { Reply } from "../protocol/reply.js";
import type { CredentialsSource, RedisCredentials } from "./credentials.js";
import { Exchange, type RespSocket } from "./resp-socket.js";

/** What a connection sends before its first request. */
export interface Login {
  /** Called for each connection. Without it, the connection does not authenticate. */
  readonly credentials?: CredentialsSource | undefined;
  /** The database to select. */
  readonly database: number;
  /** The name of the connection in `CLIENT LIST`. */
  readonly connectionName?: string | undefined;
}

/** How many times one connection requests credentials, if the server rejects them and they change in the meantime. */
const longestRotation = 3;

/**
 * Authenticates, selects the database and names the connection. The driver sends these commands itself, because ioredis
 * shows them, passwords included, in its debug output, its tracing channels and its errors.
 *
 * @throws {FaultError} if the server rejects the credentials or the database, or if the connection closes
 */
export async function logIn(socket: RespSocket, login: Login): Promise<void> {
  let credentials = await login.credentials?.();
  for (let asked = 1; ; asked++) {
    const fault = await setUp(socket, credentials, login);
    if (fault === undefined) return;
    if (fault.reason !== "WRONGPASS" || asked === longestRotation) throw new FaultError(fault);
    // The password may have changed after it was read.
    const current = await login.credentials?.();
    if (sameCredentials(current, credentials)) throw new FaultError(fault);
    credentials = current;
  }
}

function sameCredentials(left: RedisCredentials | undefined, right: RedisCredentials | undefined): boolean {
  return left?.username === right?.username && left?.password === right?.password;
}

/** Sends the commands in one round trip. Returns the fault of the first command that the server rejects. */
async function setUp(
  socket: RespSocket,
  credentials: RedisCredentials | undefined,
  { database, connectionName }: Login,
): Promise<Fault | undefined> {
  const steps: Step[] = [];
  if (credentials !== undefined) steps.push({ command: auth(credentials), faultOf: faultOfAuth });
  if (database !== 0) steps.push({ command: encodeCommand("SELECT", `${database}`), faultOf: faultOfSelect });
  // A connection works without its name.
  if (connectionName)
    steps.push({ command: encodeCommand("CLIENT", "SETNAME", connectionName), faultOf: () => undefined });
  if (steps.length === 0) return undefined;
  const exchange = new Exchange(steps.length);
  socket.send(Buffer.concat(steps.map(({ command }) => command)), exchange);
  const { replies, ending } = await exchange.ended;
  for (const [index, reply] of replies.entries()) {
    const fault = reply instanceof Error ? steps[index]?.faultOf(reply) : undefined;
    if (fault !== undefined) return { ...fault, effect: "none" };
  }
  return ending === "complete" ? undefined : closed;
}

interface Step {
  readonly command: Buffer;
  readonly faultOf: (error: Extract<Reply, Error>) => Fault | undefined;
}

function auth({ username, password }: RedisCredentials): Buffer {
  return username === undefined ? encodeCommand("AUTH", password) : encodeCommand("AUTH", username, password);
}

function faultOfAuth(error: Error): Fault | undefined {
  // The server requires no password, as a development server. The same URL then works there and in production.
  if (/without any password configured|no password is set/.test(error.message)) return undefined;
  const fault = faultOfReply(error);
  return fault.code === "internal" ? { ...fault, code: "access-denied" } : fault;
}

function faultOfSelect(error: Error): Fault {
  if (/not allowed in cluster mode/.test(error.message)) return clusterNode;
  const fault = faultOfReply(error);
  return fault.code === "internal" ? { ...fault, code: "no-such-store" } : fault;
}

/** The fault of a server that belongs to a cluster, if the URL is for a single server. */
export const clusterNode: Fault = Object.freeze({
  code: "unavailable",
  retryable: false,
  effect: "none",
  reason: "cluster node: use redis+cluster:// or a client for a cluster",
});

const closed: Fault = Object.freeze({ code: "unavailable", retryable: true, effect: "none" });
