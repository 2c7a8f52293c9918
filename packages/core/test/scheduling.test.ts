import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "vitest";
import { createStore, type Entry, StoreError } from "../src/index.js";
import { ScriptedDriver } from "./scripted-driver.js";

function entries(count: number): Entry[] {
  return Array.from({ length: count }, (_, index) => [`k${index}`, Uint8Array.of(index)] as const);
}

test("a batch is split by keys and bytes, and a limited number of requests is in flight", async () => {
  const driver = new ScriptedDriver();
  driver.limits = { ...driver.limits, set: { maxKeys: 3, maxBytes: 100 }, concurrency: 2 };
  let inFlight = 0;
  let most = 0;
  for (let step = 0; step < 20; step++) {
    driver.writes.push(async (request, apply) => {
      most = Math.max(most, ++inFlight);
      await new Promise((resolve) => setImmediate(resolve));
      inFlight--;
      return apply(request);
    });
  }
  const bucket = await createStore(driver).open("b");
  await bucket.setMany([...entries(7), ["big", new Uint8Array(200)], ["last", new Uint8Array(90)]]);
  assert.deepEqual(
    driver.requests.map(({ keys }) => keys.length),
    [3, 3, 1, 1, 1],
  );
  assert.equal(most, 2);
  assert.equal(driver.data.size, 9);
});

test("an empty batch sends nothing", async () => {
  const driver = new ScriptedDriver();
  const bucket = await createStore(driver).open("b");
  await bucket.setMany([]);
  await bucket.deleteMany(new Set<string>());
  assert.deepEqual(await bucket.getMany([]), []);
  assert.equal(driver.requests.length, 0);
});

test("close() waits for the calls in flight, closes the driver once, and rejects later calls", async () => {
  const driver = new ScriptedDriver();
  const store = createStore(driver);
  const bucket = await store.open("b");
  let release = (): void => {};
  driver.writes.push(async (request, apply) => {
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    return apply(request);
  });
  const write = bucket.setMany(entries(2));
  const closing = store.close();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(driver.closed, 0);
  await assert.rejects(bucket.get("k0"), (error) => StoreError.is(error) && error.code === "closed");
  const order: string[] = [];
  const settled = [write.then(() => order.push("write")), closing.then(() => order.push("close"))];
  release();
  await Promise.all(settled);
  assert.deepEqual(order, ["write", "close"]);
  await Promise.all([closing, store.close(), store[Symbol.asyncDispose]()]);
  assert.equal(driver.closed, 1);
  assert.equal(driver.data.size, 2);
});

test("calls that share a signal add one listener to it and remove the listener at the end", async () => {
  const driver = new ScriptedDriver();
  const bucket = await createStore(driver).open("b");
  const { signal } = new AbortController();
  const calls = Array.from({ length: 20 }, () => bucket.get("k", { signal }));
  assert.equal(getEventListeners(signal, "abort").length, 1);
  await Promise.all(calls);
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("an option out of range is rejected, and the message names it", () => {
  const driver = new ScriptedDriver();
  for (const [name, options] of Object.entries({
    "limits.maxKeyBytes": { limits: { maxKeyBytes: 1025 } },
    "limits.maxValueBytes": { limits: { maxValueBytes: -1 } },
    "requestLimits.maxKeys": { requestLimits: { maxKeys: 0 } },
    concurrency: { concurrency: Number.NaN },
    "retry.attempts": { retry: { attempts: 0 } },
    timeout: { timeout: -1 },
    "bucket name": { buckets: ["a b"] },
  })) {
    assert.throws(
      () => createStore(driver, options),
      (error) => StoreError.is(error) && error.code === "invalid-argument" && error.message.includes(name),
    );
  }
});
