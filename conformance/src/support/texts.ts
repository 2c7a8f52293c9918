import type { Bucket } from "@manykv/core";

/** Returns the values of keys as text, and `undefined` for missing keys. */
export async function textsOf(bucket: Bucket, keys: readonly string[]): Promise<(string | undefined)[]> {
  const found = await bucket.getMany(keys);
  return found.map((pair) => pair && new TextDecoder().decode(pair[1]));
}
