import { FaultError } from "@manykv/core/driver";
import { faultOfReply } from "../error-table.js";
import { encodeCommand } from "../protocol/encode-command.js";
import { type Reply, textOf } from "../protocol/reply.js";
import { textReply } from "../protocol/reply-limits.js";
import type { Connection } from "./connection.js";
import { type Identity, isKilled } from "./identity.js";

/**
 * A connection that is closed on the client side, while the server might still run writes that were sent on it. A proxy
 * or the network may hold these writes back for any time. Keeps only what is necessary to close it on the server.
 */
export class LostConnection {
  /** Whether it is certain that the server runs no more commands of the connection. */
  ended: boolean = false;
  readonly #identity: Identity;

  constructor(identity: Identity) {
    this.#identity = identity;
  }

  /**
   * Closes the connection on the server, over another connection. After that, the server runs no more commands of the
   * lost connection: https://redis.io/docs/latest/commands/client-kill/
   *
   * Also resolves if the server does not know the connection, because it has closed it or was restarted. Never closes
   * a connection of another client: a restarted server assigns the same ids again, so an id alone is used only if the
   * process is certainly the same.
   *
   * @returns why the server can never close the connection, or `undefined` if the connection is closed
   * @throws {FaultError} if the other connection breaks or the server is temporarily unavailable
   */
  async endVia(other: Connection): Promise<string | undefined> {
    const { client, runId } = this.#identity;
    const now = other.identity;
    if (client === undefined) return "the server reports no connection id: permit CLIENT INFO in the ACL";
    if (runId !== undefined && now.runId !== undefined) {
      // The address now leads to another process. The one that served the connection has ended or lost its role.
      if (runId !== now.runId) return this.#end();
    } else {
      const list = await ask(other, ["CLIENT", "LIST"]);
      if (list instanceof Error) return "the server permits neither INFO nor CLIENT LIST: permit one in the ACL";
      const line = (textOf(list) ?? "").split("\n").find((each) => new RegExp(`\\bid=${client.id}\\b`).test(each));
      // The id belongs to the lost connection only if the address does. Over this connection, the id stays valid.
      if (line === undefined || /\baddr=(\S+)/.exec(line)?.[1] !== client.address) return this.#end();
    }
    const reply = await ask(other, ["CLIENT", "KILL", "ID", client.id]);
    return isKilled(reply) ? this.#end() : "the server no longer permits CLIENT KILL: permit it in the ACL";
  }

  #end(): undefined {
    this.ended = true;
  }
}

/** Sends one command. Throws a {@link FaultError} if the connection breaks or the server is temporarily unavailable. */
async function ask(connection: Connection, words: readonly string[]): Promise<Reply> {
  const exchange = await connection.control(encodeCommand(...words), 1, { limits: textReply });
  const [reply] = exchange.replies;
  if (reply instanceof Error && faultOfReply(reply).code === "unavailable")
    throw new FaultError({ ...faultOfReply(reply), effect: "none" });
  if (exchange.ending !== "complete" || reply === undefined) throw new FaultError(broken);
  return reply;
}

const broken = Object.freeze({ code: "unavailable", retryable: true, effect: "none" } as const);
