import { limits, maxKeyBytes } from "../limits.js";

/**
 * How much of a reply manykv accepts, in bytes. If a server sends more, for example without end, manykv closes the
 * connection. manykv refuses a message over its limit before it stores the message's body.
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
/** Room for notices and other messages. The triggers of a table may cause several of them for each row. */
const otherMessages = { other: mebibyte, room: 4 * mebibyte };

/** For a statement that returns no values. Keys of other programs may be longer than those of manykv. */
export const withoutValues: ReplyLimit = {
  row: 16_384,
  other: otherMessages.other,
  total: 16 * mebibyte,
  isOneKey: true,
};

/**
 * For a statement that returns the values of `keys` keys. All values together may be as large as the largest value. If
 * the reply is larger, core repeats the request with fewer keys.
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
