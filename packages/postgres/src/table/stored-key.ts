import { crc32 } from "node:zlib";
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

/** Returns the bucket of a stored key, or `undefined` if manykv did not store it. */
export function bucketOf(key: Buffer): string | undefined {
  return /^[A-Za-z0-9_.-]{1,64}(?=:)/.exec(key.toString("latin1"))?.[0];
}

/**
 * Returns the first stored key that a page of a listing may contain, and the exclusive upper bound.
 *
 * @throws {FaultError} `invalid-argument` if no listing can have returned `cursor`.
 */
export function pageRange(bucket: string, prefix: string, cursor: string | undefined): readonly [Buffer, Buffer] {
  const first = Buffer.from(bucketPrefix(bucket) + prefix);
  // UTF-8 contains no byte 255, so the next byte exists. After the colon of the bucket, this is a semicolon.
  const end = Buffer.from(first);
  end[end.length - 1] = (first.at(-1) as number) + 1;
  if (cursor === undefined) return [first, end];
  const next = Buffer.concat([Buffer.from(bucketPrefix(bucket)), decodeCursor(bucket, cursor), zero]);
  // A cursor of a listing with another prefix must not lead outside this one.
  return [Buffer.compare(first, next) < 0 ? next : first, end];
}

const checksumBytes = 4;

/**
 * Returns a cursor: a checksum and the last key of a page. The caller has that key, so the cursor is not encrypted. The
 * checksum detects cursors of other buckets and backends, which would silently skip keys.
 */
export function encodeCursor(bucket: string, key: Buffer): string {
  const checksum = Buffer.alloc(checksumBytes);
  checksum.writeUInt32BE(crc32(key, crc32(bucketPrefix(bucket))));
  return Buffer.concat([checksum, key]).toString("base64url");
}

/** Returns the key in a cursor, as UTF-8. Throws `invalid-argument` unless `encodeCursor` returned it for this bucket. */
export function decodeCursor(bucket: string, cursor: string): Buffer {
  const key = Buffer.from(cursor, "base64url").subarray(checksumBytes);
  if (key.length <= maxStoredKeyBytes && encodeCursor(bucket, key) === cursor) return key;
  throw new FaultError({
    code: "invalid-argument",
    retryable: false,
    effect: "none",
    reason: "the cursor is invalid: pass a cursor that listKeys returned for this bucket",
  });
}
