/**
 * A reply of the server. An error reply is an `Error` in its place, a simple string is a string, and a bulk string is
 * bytes that the receiver may keep and change.
 */
export type Reply = Uint8Array<ArrayBuffer> | string | number | null | Error | readonly Reply[];

/** An error reply. Named as ioredis names its own. */
export class ReplyError extends Error {
  override readonly name = "ReplyError";
}

/** The server sent something other than RESP2. The error never contains the bytes it sent. */
export class MalformedReply extends Error {
  override readonly name = "MalformedReply";
}

/** Whether a reply is what a write returns: `OK`, or the number of deleted keys. */
export function isAcknowledgement(reply: Reply | undefined): boolean {
  return typeof reply === "number" || reply === "OK";
}

export function isCount(reply: Reply | undefined): reply is number {
  return typeof reply === "number";
}

/** Whether a reply is what `GET` returns. */
export function isValue(reply: Reply | undefined): reply is Uint8Array<ArrayBuffer> | null {
  return reply === null || reply instanceof Uint8Array;
}

/** The text of a string or a number; `undefined` for any other reply. */
export function textOf(reply: Reply | undefined): string | undefined {
  if (reply instanceof Uint8Array) return Buffer.from(reply.buffer, reply.byteOffset, reply.byteLength).toString();
  return typeof reply === "string" || typeof reply === "number" ? `${reply}` : undefined;
}

/** The values in replies to reads, or `undefined` if one of the replies is not a value. */
export function valuesOf(replies: readonly Reply[]): (Uint8Array<ArrayBuffer> | undefined)[] | undefined {
  const values = new Array<Uint8Array<ArrayBuffer> | undefined>(replies.length);
  for (let index = 0; index < replies.length; index++) {
    const reply = replies[index];
    if (!isValue(reply)) return undefined;
    values[index] = reply ?? undefined;
  }
  return values;
}
