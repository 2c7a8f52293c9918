import type { Reply } from "./protocol/exchange.js";

/** Whether a reply acknowledges a write: `OK`, or the number of keys deleted. */
export function isAcknowledgement(reply: Reply | undefined): boolean {
  return isCount(reply) || textOf(reply) === "OK";
}

/** Whether a reply is a number, which a client with `stringNumbers` gives as text. */
export function isCount(reply: Reply | undefined): boolean {
  return typeof reply === "number" || (typeof reply === "string" && /^\d+$/.test(reply));
}

/** Whether a reply is what `GET` gives. */
export function isValue(reply: Reply | undefined): reply is Uint8Array | null {
  return reply === null || reply instanceof Uint8Array;
}

/** The text of a string, or of a number; `undefined` for a reply of another type. */
export function textOf(reply: Reply | undefined): string | undefined {
  if (reply instanceof Uint8Array)
    return Buffer.from(reply.buffer, reply.byteOffset, reply.byteLength).toString();
  return typeof reply === "string" || typeof reply === "number" ? `${reply}` : undefined;
}

/**
 * What replies to reads give.
 *
 * @returns `undefined` where a reply is no value
 */
export function valuesOf(replies: readonly Reply[]): (Uint8Array | undefined)[] | undefined {
  const values = new Array<Uint8Array | undefined>(replies.length);
  for (let index = 0; index < replies.length; index++) {
    const reply = replies[index];
    if (!isValue(reply)) return undefined;
    if (reply !== null) values[index] = reply;
  }
  return values;
}
