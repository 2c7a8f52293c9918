/**
 * How keys lie in the table: one `bytea` of bucket, colon and key in UTF-8. A bucket's name has no colon, so the first
 * one ends it. Bytes compare as bytes whatever the database's collation, and hold U+0000, which `text` does not; and
 * an index of one column is up to twice as fast to write as one of two.
 */
const separator = ":";
/** The character behind the separator: no key of a bucket lies at or behind its name with this one. */
const behindSeparator = ";";

/** What every key of a bucket starts with, and no other bucket's does. */
export function bucketPrefix(bucket: string): string {
  return bucket + separator;
}

/** Behind all keys of a bucket, and before those of any later one. */
export function bucketEnd(bucket: string): Buffer {
  return Buffer.from(bucket + behindSeparator);
}
