import type { SwapResult } from "@manykv/core";

/**
 * A reply from the server. An error reply is an `Error`, a simple string is a string, an integer is a `bigint` if a
 * `number` cannot represent it, and a bulk string is a `Uint8Array` that the receiver may keep and change.
 */
export type Reply = Uint8Array<ArrayBuffer> | string | number | bigint | null | Error | readonly Reply[];

/** An error reply. It has the same `name` as an error reply of ioredis. */
export class ReplyError extends Error {
  override readonly name = "ReplyError";
}

/** The error for a reply that is not valid RESP2 or that no command expects. Contains no bytes of the reply. */
export class MalformedReply extends Error {
  override readonly name = "MalformedReply";
}

/** The error for a reply that is larger than its command allows. */
export class OversizedReply extends Error {
  override readonly name = "OversizedReply";
}

/** Returns whether a reply acknowledges `SET` or `MSET`. Some servers send `OK` as a bulk string. */
export function isOk(reply: Reply | undefined): boolean {
  return reply === "OK" || (reply instanceof Uint8Array && textOf(reply) === "OK");
}

/** Returns whether a reply is a number from 0 to `most`, as `DEL` and `EXISTS` return for `most` keys. */
export function isCountUpTo(most: number, reply: Reply | undefined): reply is number {
  return isCount(reply) && reply >= 0 && reply <= most;
}

export function isCount(reply: Reply | undefined): reply is number {
  return typeof reply === "number";
}

/** Returns whether a reply is an integer of up to 64 bits. */
export function isInteger(reply: Reply | undefined): reply is number | bigint {
  return typeof reply === "number" || typeof reply === "bigint";
}

/** Returns whether a reply fits `GET`: bytes, or `null` for a missing key. */
export function isValue(reply: Reply | undefined): reply is Uint8Array<ArrayBuffer> | null {
  return reply === null || reply instanceof Uint8Array;
}

/** Returns whether a reply fits the script that increments: an integer of up to 64 bits as text. */
export function isIntegerText(reply: Reply | undefined): boolean {
  return reply instanceof Uint8Array && /^-?\d{1,19}$/.test(textOf(reply) as string);
}

/** Returns whether a reply fits `SET` with `NX`: `OK`, or `null` if the key exists. */
export function isOkOrNull(reply: Reply | undefined): boolean {
  return reply === null || isOk(reply);
}

/** Returns whether a reply fits the script that swaps: 1, or the current value. */
export function isSwapReply(reply: Reply | undefined): boolean {
  return reply === 1 || isValue(reply);
}

export function swapResultOf(reply: Reply): SwapResult {
  return reply === 1
    ? { swapped: true }
    : { swapped: false, current: (reply as Uint8Array<ArrayBuffer> | null) ?? undefined };
}

/** Returns what the reply to `PTTL` means: `undefined` for a missing key, and `null` for a key that does not expire. */
export function remainingTime(reply: number): number | null | undefined {
  return reply === -2 ? undefined : reply === -1 ? null : reply;
}

/** Returns the text of a string or number, or `undefined` for any other reply. */
export function textOf(reply: Reply | undefined): string | undefined {
  if (reply instanceof Uint8Array) return Buffer.from(reply.buffer, reply.byteOffset, reply.byteLength).toString();
  return typeof reply === "string" || typeof reply === "number" ? `${reply}` : undefined;
}
