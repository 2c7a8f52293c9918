import type { Bucket, KeyValue } from "@manykv/core";

/** Returns the values of keys. Computes and stores missing values. Makes two calls for any number of keys. */
export async function remember(
  bucket: Bucket,
  keys: readonly string[],
  compute: (missing: string[]) => Promise<KeyValue[]>,
): Promise<Map<string, Uint8Array>> {
  const known = await bucket.getMany(keys, { timeout: 2_000 });
  const computed = await compute(keys.filter((_, index) => known[index] === undefined));
  await bucket.setMany(computed);
  return new Map([...known.filter((record) => record !== undefined), ...computed]);
}
