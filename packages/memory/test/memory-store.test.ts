import assert from "node:assert/strict";
import { createRequest } from "@manykv/core/driver";
import { test, vi } from "vitest";
import { memoryDriver, memoryStore } from "../src/index.js";

test("two stores share no data", async () => {
  await using left = memoryStore();
  await using right = memoryStore();
  await (await left.open("b")).set("k", Uint8Array.of(1));
  assert.equal(await (await right.open("b")).get("k"), undefined);
});

test("a listing keeps its position while keys are added and deleted", async () => {
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
    const page = await bucket.listKeys({ cursor });
    rest.push(...page.keys);
    cursor = page.cursor;
  }
  assert.deepEqual([...first.keys, ...rest], keys);
});

test("a program that deletes each page after listing it causes few sorts", async () => {
  await using store = memoryStore();
  const bucket = await store.open("b");
  await bucket.setMany(Array.from({ length: 50_000 }, (_, index) => [`k${index}`, Uint8Array.of(1)] as const));
  const sorts = vi.spyOn(Array.prototype, "sort");
  let listed = 0;
  let cursor: string | undefined;
  do {
    const page = await bucket.listKeys({ cursor });
    listed += page.keys.length;
    await bucket.deleteMany(page.keys);
    cursor = page.cursor;
  } while (cursor !== undefined);
  const sorted = sorts.mock.calls.length;
  sorts.mockRestore();
  assert.equal(listed, 50_000);
  // The driver sorts each time half of the keys are deleted. One sort per page would be 50 sorts.
  assert.ok(sorted <= 10, `the driver must sort at most 10 times, but sorted ${sorted} times`);
  assert.deepEqual(await bucket.listKeys(), { keys: [] });
});

test("describe() says that the data ends with the process", async () => {
  await using store = memoryStore();
  const { product, topology, findings } = await store.describe();
  assert.deepEqual([product, topology], ["memory", "in-process"]);
  assert.deepEqual(
    findings.map(({ code, severity }) => [code, severity]),
    [["no-persistence", "note"]],
  );
});

test("a listing refuses a cursor that listKeys did not return", async () => {
  await using store = memoryStore();
  const bucket = await store.open("b");
  for (const cursor of ["k", "", "after:k", "c k"])
    await assert.rejects(bucket.listKeys({ cursor }), { code: "invalid-argument" }, cursor);
});

test("an unexpected error is not retryable, and close() deletes the data", async () => {
  const driver = memoryDriver();
  assert.deepEqual(driver.classify(new Error()), { code: "internal", retryable: false, effect: "unknown" });
  const request = createRequest({ bucket: "b", keys: ["k"], values: [Uint8Array.of(1)] });
  await driver.set(request);
  await driver.close();
  assert.deepEqual(await driver.get(request), { values: [undefined] });
});
