import assert from "node:assert/strict";
import { test } from "vitest";
import type { Driver } from "../src/driver.js";
import { createStore, StoreError } from "../src/index.js";
import { ScriptedDriver } from "./scripted-driver.js";

const isTimeout = (error: unknown): boolean => StoreError.is(error) && error.code === "timeout";

/** A driver whose reads wait until the test calls `answer`. */
function openGate(size: number) {
  const driver = new ScriptedDriver();
  const waiting: (() => void)[] = [];
  for (let each = 0; each < size; each++)
    driver.reads.push(async (request, apply) => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return apply(request);
    });
  return { driver, waiting };
}

test("`storeConcurrency` limits the requests in flight of all calls together", async () => {
  const { driver, waiting } = openGate(5);
  const store = createStore(driver, { storeConcurrency: 2 });
  const buckets = [await store.open("a"), await store.open("b")];
  const reads = [0, 1, 2, 3, 4].map((each) => buckets[each % 2]?.get(`k${each}`));
  for (let settled = 0; settled < 5; settled++) {
    await new Promise(setImmediate);
    assert.equal(waiting.length, Math.min(2, 5 - settled));
    waiting.shift()?.();
  }
  await Promise.all(reads);
});

test("a call that waits for its turn settles by its deadline, sends nothing, and does not take the turn of others", async () => {
  const { driver, waiting } = openGate(1);
  const store = createStore(driver, { storeConcurrency: 1 });
  const bucket = await store.open("b");
  const first = bucket.get("first");
  await assert.rejects(bucket.get("second", { timeout: 20 }), isTimeout);
  const cancelled = bucket.set("third", new Uint8Array(1), { signal: AbortSignal.timeout(20) });
  await assert.rejects(cancelled, (error) => StoreError.is(error) && error.code === "aborted");
  const last = bucket.get("last");
  waiting[0]?.();
  await Promise.all([first, last]);
  assert.deepEqual(
    driver.requests.map(({ keys }) => keys[0]),
    ["first", "last"],
  );
});

test("`storeConcurrency` must be a number of at least 1", () => {
  for (const storeConcurrency of [0, -1, Number.NaN, "2"]) {
    assert.throws(
      () => createStore(new ScriptedDriver(), { storeConcurrency: storeConcurrency as number }),
      /storeConcurrency/,
    );
  }
});

test("a set that waits for its turn keeps the values that the caller passed", async () => {
  const { driver, waiting } = openGate(1);
  const stored: number[] = [];
  const preparing: Driver = Object.assign(driver, {
    prepareSet: (_bucket: string, _keys: readonly string[], values: readonly Uint8Array[]) =>
      values.map((each) => each[0]),
  });
  driver.writes.push((request) => {
    stored.push(...(request.prepared as number[]));
    return {};
  });
  const bucket = await createStore(preparing, { storeConcurrency: 1 }).open("b");
  const first = bucket.get("first");
  const value = Uint8Array.of(1);
  const writing = bucket.setMany([["k", value]]);
  value[0] = 2;
  await new Promise(setImmediate);
  waiting[0]?.();
  await Promise.all([first, writing]);
  assert.deepEqual(stored, [1]);
});
