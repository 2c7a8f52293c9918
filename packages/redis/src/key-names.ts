import { isUtf8 } from "node:buffer";
import { textOf } from "./protocol/reply.js";

/** Maximum length of a key, in bytes of UTF-8. */
const maxKeyBytes = 1_024;

/**
 * Returns the prefix of all Redis names in a bucket. A bucket name contains no `:`, so keys of two buckets never have
 * the same Redis name.
 *
 * A cluster hashes the whole name if it starts with `{}`, because an empty hash tag does not count. So braces in a key
 * do not select a slot:
 * https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags
 */
export function bucketPrefix(bucket: string): string {
  return `{}${bucket}:`;
}

/** Returns the `SCAN` pattern for a bucket's keys. The prefix contains no special character of Redis patterns. */
export function bucketPattern(bucket: string): string {
  return `${bucketPrefix(bucket)}*`;
}

/** Returns the key in a Redis name, or `undefined` if no store can have written the name. */
export function keyOfName(name: Uint8Array<ArrayBuffer>, prefix: string): string | undefined {
  const key = name.subarray(prefix.length);
  return key.length <= maxKeyBytes && isUtf8(key) ? textOf(key) : undefined;
}
