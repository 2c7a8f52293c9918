import { type Bucket, createStore, type KeyValue, type Store } from "@manykv/core";
import { memoryDriver, memoryStore } from "@manykv/memory";
import { expect, test } from "vitest";
import { listPages, readValues, recordReader } from "../../src/transfer/read-values.js";

async function* pagesOf(count: number, size: number): AsyncGenerator<string[]> {
  const keys = Array.from({ length: count }, (_, index) => `k${index}`);
  for (let start = 0; start < count; start += size) yield keys.slice(start, start + size);
}

function reader(valueBytes: number): {
  sizes: number[];
  read: (keys: readonly string[]) => Promise<KeyValue[]>;
} {
  const sizes: number[] = [];
  return {
    sizes,
    read: async (keys) => {
      sizes.push(keys.length);
      return keys.map((key) => [key, new Uint8Array(valueBytes)]);
    },
  };
}

test.each([1, 7, 5000])("readValues reads every key once and in order, from pages of %i keys", async (pageSize) => {
  const { read, sizes } = reader(10);
  const keys: string[] = [];
  for await (const batch of readValues(pagesOf(3000, pageSize), { read, batchSize: 500 })) {
    expect(batch.records.map((record) => record?.[0])).toEqual(batch.keys);
    keys.push(...batch.keys);
  }
  expect(keys).toEqual(Array.from({ length: 3000 }, (_, index) => `k${index}`));
  expect(Math.max(...sizes)).toBe(500);
});

test("batches of large values are small, to limit memory", async () => {
  const { read, sizes } = reader(2_000_000);
  for await (const _ of readValues(pagesOf(100, 100), { read, batchSize: 500 }));
  // The first two batches are sent before any value has arrived.
  expect(sizes.slice(0, 2)).toEqual([4, 4]);
  expect(Math.max(...sizes.slice(2))).toBe(2);
});

test("a missing value is `undefined` at the index of its key", async () => {
  const read = async (keys: readonly string[]) => keys.map(() => undefined);
  const batches = [];
  for await (const batch of readValues(pagesOf(2, 2), { read, batchSize: 10 })) batches.push(batch);
  expect(batches).toEqual([{ keys: ["k0", "k1"], records: [undefined, undefined] }]);
});

test("a failed read rejects, even if it fails while the caller uses an earlier batch", async () => {
  let calls = 0;
  const read = (keys: readonly string[]): Promise<KeyValue[]> =>
    ++calls === 2 ? Promise.reject(new Error("lost")) : Promise.resolve(keys.map((key) => [key, new Uint8Array()]));
  const batches = readValues(pagesOf(100, 10), { read, batchSize: 10 });
  expect((await batches.next()).value?.keys).toHaveLength(4);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await expect(batches.next()).rejects.toThrow("lost");
});

test("listPages yields the keys that start with the prefix", async () => {
  await using store = memoryStore();
  const bucket = await store.open("b");
  await bucket.setMany(["a", "a:1", "a:2", "b"].map((key) => [key, new Uint8Array()]));
  const keys: string[] = [];
  for await (const page of listPages(bucket, "a:", {})) keys.push(...page);
  expect(keys).toEqual(["a:1", "a:2"]);
});

test("recordReader reads records with their remaining ttl", async () => {
  await using store = memoryStore();
  const bucket = await store.open("b");
  await bucket.set("plain", Uint8Array.of(1));
  await bucket.set("expiring", Uint8Array.of(2), { ttl: 60_000 });
  const read = await recordReader(store, bucket, {});
  const [plain, expiring, missing] = await read(["plain", "expiring", "missing"]);
  expect(plain).toEqual(["plain", Uint8Array.of(1)]);
  expect(expiring).toEqual(["expiring", Uint8Array.of(2), { ttl: expect.any(Number) }]);
  expect(expiring?.[2]?.ttl).toBeGreaterThan(0);
  expect(expiring?.[2]?.ttl).toBeLessThanOrEqual(60_000);
  expect(missing).toBeUndefined();
});

test.each([
  ["its value", "getMany"],
  ["its ttl", "ttlMany"],
] as const)("recordReader leaves out a key that expires after it read %s", async (_, first) => {
  await using store = memoryStore();
  const bucket = await store.open("b");
  await bucket.setMany([
    ["gone", new Uint8Array(), { ttl: 60_000 }],
    ["kept", new Uint8Array()],
  ]);
  const isRead = bucket[first](["gone", "kept"]);
  const expired = isRead.then(() => bucket.delete("gone"));
  const slow: Pick<Bucket, "getMany" | "ttlMany"> = {
    getMany: (keys) => expired.then(() => bucket.getMany(keys)),
    ttlMany: (keys) => expired.then(() => bucket.ttlMany(keys)),
    [first]: () => isRead,
  };
  const read = await recordReader(store, slow, {});
  expect(await read(["gone", "kept"])).toEqual([undefined, ["kept", new Uint8Array()]]);
});

test("recordReader returns a ttl of at least 1, even if the engine rounds it to 0", async () => {
  await using store = memoryStore();
  const bucket: Pick<Bucket, "getMany" | "ttlMany"> = {
    getMany: async () => [["k", new Uint8Array()]],
    ttlMany: async () => [0],
  };
  expect(await (await recordReader(store, bucket, {}))(["k"])).toEqual([["k", new Uint8Array(), { ttl: 1 }]]);
});

test("recordReader reads only values if keys of the store cannot expire", async () => {
  await using store: Store = createStore(Object.assign(memoryDriver(), { ttl: undefined }));
  const bucket = await store.open("b");
  await bucket.set("k", Uint8Array.of(1));
  await expect(bucket.ttlMany(["k"])).rejects.toMatchObject({ code: "unsupported" });
  expect(await (await recordReader(store, bucket, {}))(["k", "missing"])).toEqual([["k", Uint8Array.of(1)], undefined]);
});
