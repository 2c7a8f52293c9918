/** What the replies to the commands of one exchange may cost. A server that exceeds the limits loses the connection. */
export interface ReplyLimits {
  /** Maximum sum of the bytes of all replies. Checked once per received chunk. */
  readonly maxBytes: number;
  /** Maximum length of one bulk string, in bytes. */
  readonly maxBulk: number;
  /** Maximum number of items in an array. */
  readonly maxItems: number;
  /** Maximum depth of nested arrays. 0 means that no reply may be an array. */
  readonly maxDepth: number;
}

const mebibyte = 1_048_576;

/** For acknowledgements, counts and short texts. The longest are `INFO` and `ROLE` of a server with many replicas. */
export const shortReply: ReplyLimits = Object.freeze({
  maxBytes: mebibyte,
  maxBulk: mebibyte,
  maxItems: 10_000,
  maxDepth: 3,
});

/** For texts with a line per client or node, such as `CLIENT LIST`. */
export const textReply: ReplyLimits = Object.freeze({
  maxBytes: 16 * mebibyte,
  maxBulk: 16 * mebibyte,
  maxItems: 0,
  maxDepth: 0,
});

/** For `CLUSTER SLOTS`: at most one range per slot. */
export const slotsReply: ReplyLimits = Object.freeze({
  maxBytes: 8 * mebibyte,
  maxBulk: 8 * mebibyte,
  maxItems: 16_384,
  maxDepth: 4,
});

/** For `SCAN`, which returns about as many names as requested. */
export const scanReply: ReplyLimits = Object.freeze({
  maxBytes: 16 * mebibyte,
  maxBulk: 16 * mebibyte,
  maxItems: 100_000,
  maxDepth: 2,
});

/** Lines that surround a value: its header and its line end. */
const framing = 16;
/**
 * Maximum sum of the values in one response. A larger read is repeated as smaller ones. So a server that sends a
 * response without end costs about as much memory as a few of the longest values.
 */
const maxValuesBytes = 96 * mebibyte;

/**
 * For the values of keys.
 *
 * @param mget - whether one `MGET` requests all values, instead of one `GET` per key
 */
export function valuesReply(keys: number, maxValueBytes: number, mget: boolean): ReplyLimits {
  const bytes = keys === 1 ? maxValueBytes : maxValuesBytes;
  const maxBytes = bytes + (keys + 1) * framing;
  return { maxBytes, maxBulk: maxValueBytes, maxItems: mget ? keys : 0, maxDepth: mget ? 1 : 0 };
}
