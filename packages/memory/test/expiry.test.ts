import assert from "node:assert/strict";
import type { Bucket } from "@manykv/core";
import { afterEach, beforeEach, test, vi } from "vitest";
import { memoryStore } from "../src/index.js";

const value = Uint8Array.of(1);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Sets `count` keys that expire after `ttl` milliseconds. */
function setExpiring(bucket: Bucket, name: string, count: number, ttl: number): Promise<void> {
  const entries = Array.from({ length: count }, (_, index) => [`${name}${index}`, value] as const);
  return bucket.setMany(entries, { ttl });
}

test("a key expires in the millisecond after its time to live", async () => {
  await using store = memoryStore();
  const bucket = await store.open("b");
  await bucket.set("k", value, { ttl: 50 });
  vi.setSystemTime(1_000_050);
  // The clock may have rounded down when the key was set, so its time may not be over.
  assert.deepEqual(await bucket.ttlMany(["k"]), [1]);
  vi.setSystemTime(1_000_051);
  assert.deepEqual(await bucket.ttlMany(["k"]), [undefined]);
});

test("writes of expiring keys reclaim expired keys, 20 at most per key", async () => {
  await using store = memoryStore();
  const bucket = await store.open("b");
  await setExpiring(bucket, "old", 1_000, 50);
  vi.setSystemTime(1_000_051);
  await setExpiring(bucket, "new", 30, 60_000);
  const left = await store.sweep();
  assert.ok(left >= 400 && left < 1_000, `30 writes must reclaim up to 600 of 1,000 keys, but left ${left}`);
  assert.equal(await store.sweep(), 0);

  vi.setSystemTime(1_100_000);
  await setExpiring(bucket, "last", 100, 60_000);
  assert.equal(await store.sweep(), 0);
  assert.equal((await bucket.listKeys()).keys.length, 100);
});

test("a bucket whose keys have all expired holds no keys", async () => {
  await using store = memoryStore();
  await setExpiring(await store.open("expired"), "k", 2, 50);
  await setExpiring(await store.open("live"), "k", 2, 60_000);
  vi.setSystemTime(1_000_051);
  const names: string[] = [];
  for await (const name of store.buckets()) names.push(name);
  assert.deepEqual(names, ["live"]);
});

test("keys that expire during a listing are not on later pages", async () => {
  await using store = memoryStore();
  const bucket = await store.open("b");
  await setExpiring(bucket, "a", 1_000, 60_000);
  await setExpiring(bucket, "b", 1_000, 50);
  await setExpiring(bucket, "c", 1, 60_000);
  const first = await bucket.listKeys();
  vi.setSystemTime(1_000_051);
  assert.deepEqual(await bucket.listKeys({ cursor: first.cursor }), { keys: ["c0"] });
});
