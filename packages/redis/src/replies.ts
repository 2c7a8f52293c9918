import { ValueCopier } from "@manykv/core";
import type { Reply } from "./protocol/exchange.js";

/** Whether a reply acknowledges a write: `OK`, or the number of keys deleted. */
export function isAcknowledgement(reply: Reply | undefined): boolean {
  return isCount(reply) || (Buffer.isBuffer(reply) && reply.toString() === "OK");
}

/** Whether a reply is a number, which a client with `stringNumbers` gives as text. */
export function isCount(reply: Reply | undefined): boolean {
  return typeof reply === "number" || (typeof reply === "string" && /^\d+$/.test(reply));
}

/** Whether a reply is what `GET` gives. */
export function isValue(reply: Reply | undefined): reply is Buffer | null {
  return reply === null || reply instanceof Uint8Array;
}

/**
 * Values as plain arrays for the caller to keep: what ioredis gives are windows into what came from the socket.
 *
 * @returns `undefined` where a reply is no value
 */
export function copyValues(replies: readonly Reply[]): (Uint8Array | undefined)[] | undefined {
  const values = new Array<Uint8Array | undefined>(replies.length);
  const copier = new ValueCopier(replies.length);
  for (let index = 0; index < replies.length; index++) {
    const reply = replies[index];
    if (!isValue(reply)) return undefined;
    if (reply !== null) values[index] = copier.copy(reply);
  }
  return values;
}
