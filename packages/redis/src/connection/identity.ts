import type { Fault } from "@manykv/core";
import { faultOfReply } from "../error-table.js";
import { FaultError } from "../fault-error.js";
import { encodeCommand } from "../protocol/encode-command.js";
import type { Reply } from "../protocol/exchange.js";
import { textOf } from "../replies.js";
import type { Wire } from "./wire.js";

/** What the server says about a connection and about itself. Undefined is what it may not tell. */
export interface Identity {
  /**
   * The server's number for the connection and the client's address as the server sees it. Numbers start again with the
   * server; a number and an address together name one connection.
   */
  readonly client: { readonly id: string; readonly address: string } | undefined;
  readonly database: number | undefined;
  /** Names one process: it changes with every start. */
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
 * Asks the server who it is and who is asking: one round trip, once for each connection.
 *
 * @throws {FaultError} where it does not answer, or wants a password.
 */
export async function identify(wire: Wire): Promise<Identity> {
  const { replies, ended } = wire.send("client", questions, 3);
  const ending = await ended;
  if (ending !== "complete") throw new FaultError(faultOfRefusal(replies[0]));
  const [client, server, role] = replies.map(answerOf);
  const number = find(client, /\bid=(\d+)/);
  const address = find(client, /\baddr=(\S+)/);
  const mode = find(server, /^redis_mode:(\w+)/m);
  return {
    client: number === undefined || address === undefined ? undefined : { id: number, address },
    database: toNumber(find(client, /\bdb=(\d+)/)),
    runId: find(server, /^run_id:(\w+)/m),
    clustered: mode === undefined ? undefined : mode === "cluster",
    role: role === undefined ? undefined : role === "master" ? "master" : "other",
  };
}

/** A server without room for another client says so and hangs up. */
function faultOfRefusal(reply: Reply | undefined): Fault {
  if (reply instanceof Error) return faultOfReply(reply);
  return { code: "unavailable", retryable: true, effect: "none", reason: "hung up" };
}

/** `undefined` for what the user may not ask, and for what an older server does not know. */
function answerOf(reply: Reply): string | undefined {
  if (reply instanceof Error) {
    const fault = faultOfReply(reply);
    if (fault.reason === "NOAUTH" || fault.reason === "maxclients") throw new FaultError(fault);
    return undefined;
  }
  return textOf(Array.isArray(reply) ? reply[0] : reply);
}

function find(text: string | undefined, pattern: RegExp): string | undefined {
  return text === undefined ? undefined : pattern.exec(text)?.[1];
}

function toNumber(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
