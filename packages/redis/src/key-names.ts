import { isUtf8 } from "node:buffer";
import { textOf } from "./protocol/reply.js";

/** The longest key that a store accepts, in bytes of UTF-8. */
const maxKeyBytes = 1_024;

/**
 * Returns what precedes a bucket's keys in their Redis names. A bucket name contains no `:`, so no bucket and key share
 * a name with another bucket's key.
 *
 * A cluster hashes a name that starts with `{}` entirely, because an empty hash tag does not count. So braces in a
 * bucket name or a key select no slot:
 * https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags
 */
export function bucketPrefix(bucket: string): string {
  return `{}${bucket}:`;
}

/** Returns a glob for `SCAN`. A prefix contains no character that a glob treats specially. */
export function bucketPattern(bucket: string): string {
  return `${bucketPrefix(bucket)}*`;
}

/** Returns the key of a name, or `undefined` if no store can have written the name. */
export function keyOfName(name: Uint8Array<ArrayBuffer>, prefix: string): string | undefined {
  const key = name.subarray(prefix.length);
  return key.length <= maxKeyBytes && isUtf8(key) ? textOf(key) : undefined;
}
