import assert from "node:assert/strict";
import type { Bucket } from "@manykv/core";
import { bytes, sameBytes } from "./bytes.js";
import { show } from "./show.js";

/**
 * Sets each key to a different value and asserts that a batch read returns all values. If there are at most 50 keys,
 * also reads each key by itself.
 */
export async function roundTrip(bucket: Bucket, keys: readonly string[]): Promise<void> {
  assert.equal(new Set(keys).size, keys.length, "the keys of the case must differ");
  await bucket.setMany(keys.map((key, index) => [key, bytes(`value ${index}`)]));
  const answers = await bucket.getMany(keys);
  for (const [index, key] of keys.entries()) {
    const expected = bytes(`value ${index}`);
    const answer = answers[index];
    assert.ok(answer, `getMany must return the key ${nameOf(key)}`);
    assert.equal(answer[0], key, `the result at index ${index} must contain the key ${nameOf(key)}`);
    sameBytes(answer[1], expected, `the result of getMany for ${nameOf(key)}`);
    if (keys.length <= 50) sameBytes(await bucket.get(key), expected, `the result of get for ${nameOf(key)}`);
  }
}

/** Returns a key for a message. Shortens a long key and escapes characters outside ASCII. */
export function nameOf(key: string): string {
  return show(key);
}
