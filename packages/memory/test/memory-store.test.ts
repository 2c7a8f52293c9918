import assert from "node:assert/strict";
import { test } from "vitest";
import { memoryStore } from "../src/index.js";

test("two stores share nothing", async () => {
  await using left = memoryStore();
  await using right = memoryStore();
  await (await left.open("b")).set("k", Uint8Array.of(1));
  assert.equal(await (await right.open("b")).get("k"), undefined);
});

test("a listing holds its place while keys come and go", async () => {
  await using store = memoryStore();
  const bucket = await store.open("b");
  const keys = Array.from({ length: 2_500 }, (_, index) => `k${String(index).padStart(5, "0")}`);
  await bucket.setMany(keys.map((key) => [key, Uint8Array.of(1)] as const));
  const first = await bucket.listKeys();
  await bucket.deleteMany(first.keys);
  await bucket.set("a", Uint8Array.of(1));
  const rest: string[] = [];
  let { cursor } = first;
  while (cursor !== undefined) {
    const page = await bucket.listKeys(cursor);
    rest.push(...page.keys);
    cursor = page.cursor;
  }
  assert.deepEqual([...first.keys, ...rest], keys);
});
