import { FaultError } from "@manykv/core/driver";

/**
 * How keys are stored: one `bytea` of bucket, colon and key in UTF-8. Bucket names contain no colon, so the first one ends
 * the name. Bytes compare the same in every collation, and may contain U+0000, which `text` may not. An
 * index of one column is up to twice as fast to write as one of two.
 */
const separator = ":";
const zero = Buffer.alloc(1);

/** Returns what every key of a bucket starts with, and no key of another bucket. */
export function bucketPrefix(bucket: string): string {
  return bucket + separator;
}

/** Returns the first possible key after those of a bucket: the semicolon is the character after the colon. */
export function bucketEnd(bucket: string): Buffer {
  return Buffer.from(`${bucket};`);
}

/**
 * Returns the first key that a page of a listing may contain.
 *
 * @throws {FaultError} `invalid-argument` if `cursor` is not one.
 */
export function pageStart(bucket: string, cursor: string | undefined, maxKeyBytes: number): Buffer {
  const prefix = Buffer.from(bucketPrefix(bucket));
  return cursor === undefined ? prefix : Buffer.concat([prefix, decodeCursor(cursor, maxKeyBytes), zero]);
}

/** A cursor is the last key of the previous page, which the caller received anyway. */
export function encodeCursor(key: string): string {
  return Buffer.from(key).toString("base64url");
}

/** @throws {FaultError} `invalid-argument` for anything that {@link encodeCursor} does not return. */
export function decodeCursor(cursor: string, maxKeyBytes: number): Buffer {
  const key = Buffer.from(cursor, "base64url");
  if (key.length <= maxKeyBytes && encodeCursor(key.toString()) === cursor) return key;
  throw new FaultError({
    code: "invalid-argument",
    retryable: false,
    effect: "none",
    reason: "not a cursor of this bucket",
  });
}
