import { isUtf8 } from "node:buffer";
import { limits } from "./limits.js";
import { textOf } from "./replies.js";

/**
 * What stands before each key of a bucket in its name. A bucket's name has no `:`, so no bucket and key make the name of
 * another's.
 *
 * A name that starts with `{}` is hashed whole, whatever follows: an empty hash tag is none. So neither a bucket nor a
 * key with braces in it picks a slot of a cluster.
 * https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags
 */
export function bucketPrefix(bucket: string): string {
  return `{}${bucket}:`;
}

/** A glob for `SCAN`. Of what a prefix can hold, only its braces would need an escape elsewhere; a glob has none. */
export function bucketPattern(bucket: string): string {
  return `{}${bucket}:*`;
}

/** The key of a name, or `undefined` where no bucket of ours can have written it. */
export function keyOfName(name: Uint8Array, prefix: string): string | undefined {
  const key = name.subarray(prefix.length);
  if (key.length > limits.maxKeyBytes || !isUtf8(key)) return undefined;
  return textOf(key);
}
