/** What the replies to the commands of one exchange may cost. A server that exceeds the limits loses the connection. */
export interface ReplyLimits {
  /** Maximum sum of the bytes of all replies, and maximum length of one bulk string. Checked once per received chunk. */
  readonly maxBytes: number;
  /** Maximum number of items in an array. */
  readonly maxItems: number;
  /** Maximum depth of nested arrays. 0 means that no reply may be an array. */
  readonly maxDepth: number;
}

const mebibyte = 1_048_576;

/** For acknowledgements, counts and short texts. The longest are `INFO` and `ROLE` of a server with many replicas. */
export const shortReply: ReplyLimits = Object.freeze({ maxBytes: mebibyte, maxItems: 10_000, maxDepth: 3 });

/** For lists of nodes, slots, clients or key names. */
export const longReply: ReplyLimits = Object.freeze({ maxBytes: 16 * mebibyte, maxItems: mebibyte, maxDepth: 5 });

/** Lines that surround a value: its header and its line end. */
const framing = 16;
/**
 * Maximum sum of the values in one response. A larger read is repeated as smaller ones. So a server that sends a
 * response without end costs about as much memory as a few of the longest values.
 */
const maxValuesBytes = 96 * mebibyte;

/** For the values of keys: one `GET` per key, or one `MGET` for all of them. */
export function valuesReply(keys: number, maxValueBytes: number, perKey: boolean): ReplyLimits {
  const bytes = keys === 1 ? maxValueBytes : maxValuesBytes;
  return { maxBytes: bytes + (keys + 1) * framing, maxItems: perKey ? 0 : keys, maxDepth: perKey ? 0 : 1 };
}
