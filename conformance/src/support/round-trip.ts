import assert from "node:assert/strict";
import type { Bucket } from "@manykv/core";
import { bytes, sameBytes } from "./bytes.js";

/** Sets each key to a different value, and reads all of them back, one by one and as a batch. */
export async function roundTrip(bucket: Bucket, keys: readonly string[]): Promise<void> {
  assert.equal(new Set(keys).size, keys.length, "the case's keys differ");
  await bucket.setMany(keys.map((key, index) => [key, bytes(`value ${index}`)]));
  const answers = await bucket.getMany(keys);
  for (const [index, key] of keys.entries()) {
    const expected = bytes(`value ${index}`);
    const answer = answers[index];
    assert.ok(answer, `getMany finds the key ${nameOf(key)}`);
    assert.equal(answer[0], key);
    sameBytes(answer[1], expected, `getMany of ${nameOf(key)}`);
    if (keys.length <= 50) sameBytes(await bucket.get(key), expected, `get of ${nameOf(key)}`);
  }
}

/** Returns a printable form of a key. */
export function nameOf(key: string): string {
  const text = JSON.stringify(key);
  return text.length <= 40 ? text : `${text.slice(0, 40)}... of ${key.length} units`;
}
