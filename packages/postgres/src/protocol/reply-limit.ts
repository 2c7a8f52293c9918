import { limits, maxKeyBytes } from "../limits.js";

/**
 * How much of a reply manykv accepts, in bytes. A server that sends more, for example without end, loses its connection.
 * A message larger than its limit is refused before its body is stored.
 */
export interface ReplyLimit {
  /** Maximum size of a row. */
  readonly row: number;
  /** Maximum size of any other message, such as an error. */
  readonly other: number;
  /** Maximum size of the whole reply. */
  readonly total: number;
  /** Whether the reply contains at most the value of one key, so that a smaller request would not help. */
  readonly isOneKey: boolean;
}

const mebibyte = 1_048_576;
/** More than the headers, a bucket name and a key take in a row. */
const rowOverhead = maxKeyBytes + 256;
/** For notices and other messages, of which the triggers of a table may cause some for each row. */
const otherMessages = { other: mebibyte, room: 4 * mebibyte };

/** Accepts what a statement returns that reads no values. Keys of other programs may be longer than those of manykv. */
export const withoutValues: ReplyLimit = {
  row: 16_384,
  other: otherMessages.other,
  total: 16 * mebibyte,
  isOneKey: true,
};

/**
 * Accepts the values of `keys` keys, but altogether no more bytes than the largest value. Core repeats the request with
 * fewer keys if the reply is larger.
 */
export function withValues(keys: number): ReplyLimit {
  const { maxValueBytes } = limits;
  return {
    row: maxValueBytes + rowOverhead,
    other: otherMessages.other,
    total: maxValueBytes + keys * rowOverhead + otherMessages.room,
    isOneKey: keys === 1,
  };
}
