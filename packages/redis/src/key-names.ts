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

/** Which names a listing looks for, and what it returns for each of them. */
export interface Wanted {
  /** Distinguishes the cursors of listings. */
  readonly scope: string;
  /** The pattern for `SCAN`. */
  readonly pattern: string;
  /** Returns the key or bucket in a name, or `undefined` if no store can have written the name. */
  itemOf(name: Uint8Array<ArrayBuffer>): string | undefined;
}

/** Looks for the keys of a bucket that start with `prefix`. */
export function keysOf(bucket: string, prefix: string): Wanted {
  const start = bucketPrefix(bucket);
  return {
    scope: bucket,
    pattern: `${start}${prefix.replace(/[\\*?[\]]/g, "\\$&")}*`,
    itemOf(name) {
      const key = name.subarray(start.length);
      return key.length <= maxKeyBytes && isUtf8(key) ? textOf(key) : undefined;
    },
  };
}

/** Looks for the names of all buckets. */
export const allBuckets: Wanted = {
  // No bucket has this name.
  scope: "*",
  pattern: "{}*:*",
  itemOf(name) {
    const text = Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString("latin1");
    return text.slice(2, text.indexOf(":"));
  },
};
