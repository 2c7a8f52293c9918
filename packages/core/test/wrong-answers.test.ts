import assert from "node:assert/strict";
import { describe, expect, test } from "vitest";
import type { Driver, Fault } from "../src/driver.js";
import { BatchError, type Bucket, createStore } from "../src/index.js";
import { Scripted, ScriptedDriver } from "./scripted-driver.js";

const entries = ["a", "b"].map((key) => [key, Uint8Array.of(1)] as const);

/** Opens a bucket whose driver has the methods in `changes`, which need not keep the types of the interface. */
function bucketOf(changes: { readonly [Method in keyof Driver]?: unknown }): Promise<Bucket> {
  const driver: Driver = Object.assign(new ScriptedDriver(), changes as Partial<Driver>);
  return createStore(driver, { retry: { baseDelay: 0 } }).open("b");
}

describe("values", () => {
  test("a Buffer becomes a plain Uint8Array that shares no memory with it", async () => {
    const pooled = Buffer.from("value");
    const bucket = await bucketOf({ get: async () => ({ values: [pooled, undefined] }) });
    const [pair, missing] = await bucket.getMany(["a", "b"]);
    const [, value] = pair ?? [];
    assert.equal(Object.getPrototypeOf(value), Uint8Array.prototype);
    assert.deepEqual(value, new Uint8Array(pooled));
    assert.notEqual(value?.buffer, pooled.buffer);
    assert.equal(missing, undefined);
  });

  test("a plain Uint8Array is not copied", async () => {
    const value = Uint8Array.of(1);
    assert.equal(await (await bucketOf({ get: async () => ({ values: [value] }) })).get("a"), value);
  });

  test("the current value of a failed swap becomes a plain Uint8Array", async () => {
    const change = { expected: undefined, value: undefined };
    const bucket = await bucketOf({ compareAndSwap: async () => ({ swapped: false, current: Buffer.from("v") }) });
    const result = await bucket.compareAndSwap("a", change);
    assert.deepEqual(result, { swapped: false, current: new Uint8Array(Buffer.from("v")) });
    const plain = { swapped: false, current: Uint8Array.of(1) };
    const other = await bucketOf({ compareAndSwap: async () => plain });
    assert.equal(await other.compareAndSwap("a", change), plain);
  });

  test("the value of a key that failed is ignored", async () => {
    const fault: Fault = { code: "access-denied", retryable: false, effect: "none" };
    const bucket = await bucketOf({ get: async () => ({ values: [null], faults: [{ ...fault, index: 0 }] }) });
    await assert.rejects(bucket.get("a"), { code: "access-denied" });
  });
});

const wrongReads: readonly (readonly [method: keyof Driver, answer: unknown, read: (bucket: Bucket) => unknown])[] = [
  ["get", { values: [null] }, (bucket) => bucket.get("a")],
  ["get", { values: ["text"] }, (bucket) => bucket.get("a")],
  ["get", { values: [] }, (bucket) => bucket.get("a")],
  ["get", { values: { 0: "text", length: 1 } }, (bucket) => bucket.get("a")],
  ["get", {}, (bucket) => bucket.get("a")],
  ["get", undefined, (bucket) => bucket.get("a")],
  ["exists", { values: [1] }, (bucket) => bucket.exists("a")],
  ["ttl", { values: ["5"] }, (bucket) => bucket.ttlMany(["a"])],
  ["list", undefined, (bucket) => bucket.listKeys()],
  ["list", { keys: [Buffer.from("a")] }, (bucket) => bucket.listKeys()],
  ["list", { keys: ["a"], cursor: null }, (bucket) => bucket.listKeys()],
  ["increment", 5, (bucket) => bucket.increment("a")],
  ["compareAndSwap", {}, (bucket) => bucket.compareAndSwap("a", { expected: undefined, value: undefined })],
  [
    "compareAndSwap",
    { swapped: false, current: null },
    (bucket) => bucket.compareAndSwap("a", { expected: undefined, value: undefined }),
  ],
];

test.each(wrongReads)("a call rejects if `%s` returns %j", async (method, answer, read) => {
  const error: unknown = await Promise.resolve(read(await bucketOf({ [method]: async () => answer }))).catch(
    (reason: unknown) => reason,
  );
  const rule = `wrong answer of the driver: \`${method}\` must return `;
  expect(error).toMatchObject({ code: "internal", retryable: false, reason: expect.stringContaining(rule) });
  if (BatchError.is(error)) assert.equal(error.outcomeOf(0), "unknown");
});

test.each([
  ["listBuckets", { buckets: "b" }, (driver: Driver) => createStore(driver).buckets()[Symbol.asyncIterator]().next()],
  ["sweep", { swept: 1 }, (driver: Driver) => createStore(driver).sweep()],
  ["describe", undefined, (driver: Driver) => createStore(driver).describe()],
] as const)("a call of the store rejects if `%s` returns %j", async (method, answer, call) => {
  const driver: Driver = Object.assign(new ScriptedDriver(), { [method]: async () => answer });
  await assert.rejects(call(driver), { code: "internal", message: new RegExp(`\`${method}\` must return `) });
});

test.each([
  { unprocessed: ["a"] },
  { unprocessed: [2] },
  { unprocessed: [-1] },
  { faults: [{ code: "throttled", retryable: true, effect: "none" }] },
  { faults: [{ code: "throttled", retryable: true, effect: "none", index: 0.5 }] },
])("a write with the answer %j is unknown, because no key has this index", async (answer) => {
  const error: unknown = await (await bucketOf({ set: async () => answer })).setMany(entries).catch((reason) => reason);
  assert.ok(BatchError.is(error));
  assert.equal(error.code, "internal");
  assert.deepEqual(error.counts, { applied: 0, "not-applied": 0, unknown: 2 });
  assert.match(error.message, /a fault or unprocessed key of `set` must be an index of a key/);
});

test.each([
  undefined,
  null,
  {},
  { code: "throttled" },
  { code: "busy", retryable: true, effect: "none" },
  { code: "toString", retryable: false, effect: "none" },
  { code: "throttled", retryable: 1, effect: "none" },
  { code: "throttled", retryable: true, effect: "some" },
])("a write that fails with the fault %j is unknown", async (fault) => {
  const fail = async () => {
    throw new Error("the engine's error");
  };
  const whole = await bucketOf({ set: fail, classify: () => fault });
  const single = await bucketOf({ set: async () => ({ faults: [{ ...fault, index: 0 }] }) });
  const failures = [whole, single].map((bucket) => bucket.set("a", Uint8Array.of(1)).catch((reason) => reason));
  for (const error of await Promise.all(failures)) {
    assert.ok(BatchError.is(error));
    assert.equal(error.outcomeOf(0), "unknown");
    assert.match(error.message, /a fault must have `code`, `retryable` and `effect`/);
  }
});

test("a write is unknown if `classify` throws", async () => {
  const fail = () => {
    throw new Error("a defect");
  };
  const bucket = await bucketOf({ set: fail, classify: fail });
  await assert.rejects(bucket.set("a", Uint8Array.of(1)), { code: "internal", message: /`classify` must not throw/ });
});

test("a fence of a fault without effect does not run", async () => {
  let runs = 0;
  const driver = new ScriptedDriver();
  const fence = async () => void runs++;
  const fault: Fault = { code: "throttled", retryable: true, effect: "none", fence };
  driver.writes.push(() => {
    throw new Scripted(fault);
  });
  await (await createStore(driver, { retry: { baseDelay: 0 } }).open("b")).set("a", Uint8Array.of(1));
  assert.equal(runs, 0);
});
