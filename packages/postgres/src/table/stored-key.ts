import { FaultError } from "@manykv/core/driver";
import { maxKeyBytes } from "../limits.js";

/**
 * A key is stored as one `bytea`: bucket, colon and key in UTF-8. Bucket names contain no colon, so the first colon
 * ends the name. Bytes have the same order in every collation and, unlike `text`, can contain U+0000. With a
 * primary key of two columns, writes took 1.2 to 1.3 times as long.
 */
const separator = ":";
/** Length of the longest key of the longest bucket name, with the separator. */
export const maxStoredKeyBytes: number = 64 + separator.length + maxKeyBytes;
const zero = Buffer.alloc(1);

/** Returns the prefix of all stored keys of a bucket. Stored keys of other buckets do not have this prefix. */
export function bucketPrefix(bucket: string): string {
  return bucket + separator;
}

/** Returns the exclusive upper bound of the stored keys of a bucket. In ASCII, the semicolon follows the colon. */
export function bucketEnd(bucket: string): Buffer {
  return Buffer.from(`${bucket};`);
}

/**
 * Returns the first stored key that a page of a listing may contain.
 *
 * @throws {FaultError} `invalid-argument` if no listing can have returned `cursor`.
 */
export function pageStart(bucket: string, cursor: string | undefined): Buffer {
  const prefix = Buffer.from(bucketPrefix(bucket));
  return cursor === undefined ? prefix : Buffer.concat([prefix, decodeCursor(cursor), zero]);
}

/** Returns a cursor that contains the last key of a page. The caller has that key, so the cursor is not encrypted. */
export function encodeCursor(key: Buffer): string {
  return key.toString("base64url");
}

/** Returns the key in a cursor, as UTF-8. Throws `invalid-argument` if the cursor is malformed or the key too long. */
export function decodeCursor(cursor: string): Buffer {
  const key = Buffer.from(cursor, "base64url");
  if (key.length <= maxStoredKeyBytes && encodeCursor(key) === cursor) return key;
  throw new FaultError({
    code: "invalid-argument",
    retryable: false,
    effect: "none",
    reason: "the cursor is invalid: pass a cursor that listKeys returned for this bucket",
  });
}
