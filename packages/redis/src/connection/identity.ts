import { type Fault, FaultError } from "@manykv/core/driver";
import { faultOfReply } from "../error-table.js";
import { encodeCommand } from "../protocol/encode-command.js";
import { type Reply, textOf } from "../protocol/reply.js";
import { Exchange, type RespSocket } from "./resp-socket.js";

/** What the server reports about a connection and about itself. Fields that it does not report are `undefined`. */
export interface Identity {
  /**
   * The connection's id, and the client's address as the server sees it. A restarted server assigns the same ids
   * again, so only id and address together identify a connection.
   */
  readonly client: { readonly id: string; readonly address: string } | undefined;
  readonly database: number | undefined;
  /** Identifies one server process. Changes at every start of the server. */
  readonly runId: string | undefined;
  readonly clustered: boolean | undefined;
  readonly role: "master" | "other" | undefined;
}

const questions = Buffer.concat([
  encodeCommand("CLIENT", "INFO"),
  encodeCommand("INFO", "server"),
  encodeCommand("ROLE"),
]);

/**
 * Requests information about the server and this connection, in one round trip.
 *
 * @throws {FaultError} if the connection closes, or if the server is unavailable or requires a password
 */
export async function identify(socket: RespSocket): Promise<Identity> {
  const exchange = new Exchange(3);
  socket.send(questions, exchange);
  const { replies, ending } = await exchange.ended;
  if (ending !== "complete") throw new FaultError(faultOfRefusal(replies[0]));
  const [client, server, role] = replies.map(answerOf);
  const id = find(client, /\bid=(\d+)/);
  const address = find(client, /\baddr=(\S+)/);
  const database = find(client, /\bdb=(\d+)/);
  const mode = find(server, /^redis_mode:(\w+)/m);
  return {
    client: id === undefined || address === undefined ? undefined : { id, address },
    database: database === undefined ? undefined : Number(database),
    runId: find(server, /^run_id:(\w+)/m),
    clustered: mode === undefined ? undefined : mode === "cluster",
    role: role === undefined ? undefined : role === "master" ? "master" : "other",
  };
}

/** Returns the fault of a closed connection. At its `maxclients` limit, a server sends an error reply first. */
function faultOfRefusal(reply: Reply | undefined): Fault {
  if (reply instanceof Error) return faultOfReply(reply);
  return { code: "unavailable", retryable: true, effect: "none" };
}

/** Returns a reply's text, or `undefined` for an error such as NOPERM. Throws for NOAUTH and an unavailable server. */
function answerOf(reply: Reply): string | undefined {
  if (reply instanceof Error) {
    const fault = faultOfReply(reply);
    if (fault.reason === "NOAUTH" || fault.code === "unavailable") throw new FaultError(fault);
    return undefined;
  }
  return textOf(Array.isArray(reply) ? reply[0] : reply);
}

function find(text: string | undefined, pattern: RegExp): string | undefined {
  return text === undefined ? undefined : pattern.exec(text)?.[1];
}
