import type { KeyValue } from "@manykv/core";
import { expect, test } from "vitest";
import { readValues } from "../../src/transfer/read-values.js";

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
