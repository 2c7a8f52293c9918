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
  return reply === null || Buffer.isBuffer(reply);
}

/** Copies values into one piece of memory of their own, one after the other. */
export function copyValues(replies: readonly (Buffer | null)[]): (Uint8Array | undefined)[] {
  let size = 0;
  for (let index = 0; index < replies.length; index++) size += replies[index]?.length ?? 0;
  const memory = new ArrayBuffer(size);
  const whole = new Uint8Array(memory);
  const values = new Array<Uint8Array | undefined>(replies.length);
  let offset = 0;
  for (let index = 0; index < replies.length; index++) {
    const reply = replies[index] as Buffer | null;
    if (reply === null) continue;
    whole.set(reply, offset);
    values[index] = new Uint8Array(memory, offset, reply.length);
    offset += reply.length;
  }
  return values;
}
