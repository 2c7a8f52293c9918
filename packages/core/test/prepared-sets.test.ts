import assert from "node:assert/strict";
import { test } from "vitest";
import { createRequest, type SetRequest, type WriteAnswer } from "../src/driver.js";
import { type Bucket, createStore, type Entry } from "../src/index.js";
import { ScriptedDriver } from "./scripted-driver.js";

/** Copies the values in `prepareSet` and counts its calls. Allows two keys per request and three requests in flight. */
class PreparingDriver extends ScriptedDriver {
  prepared = 0;

  constructor() {
    super();
    this.limits = { ...this.limits, set: { maxKeys: 2, maxBytes: 1_000_000 }, concurrency: 3 };
  }

  prepareSet(_bucket: string, _keys: readonly string[], values: readonly Uint8Array[]): unknown {
    this.prepared++;
    return values.map((value) => value.slice());
  }

  /** Stores the prepared values. */
  override set(request: SetRequest): Promise<WriteAnswer> {
    assert.deepEqual(request.values, []);
    const { bucket, keys, prepared } = request;
    const values = prepared as readonly Uint8Array[];
    return super.set(createRequest({ bucket, keys, values, prepared }));
  }
}

function entriesOf(count: number): [string, Uint8Array][] {
  return Array.from({ length: count }, (_, index) => [`k${index}`, Uint8Array.of(index, 7)]);
}

/** Sets two entries and overwrites their values as soon as the call returns its promise. */
async function setTwoThenOverwrite(bucket: Bucket): Promise<void> {
  const entries = entriesOf(2);
  const call = bucket.setMany(entries);
  for (const [, value] of entries) value.fill(0);
  await call;
}

function assertStored({ data }: ScriptedDriver, count: number): void {
  const stored = Array.from({ length: count }, (_, index) => data.get(`b:k${index}`));
  assert.deepEqual(
    stored,
    entriesOf(count).map(([, value]) => value),
  );
}

test("a short batch is prepared before the method returns its promise", async () => {
  const driver = new PreparingDriver();
  const bucket = await createStore(driver).open("b");
  const entries = entriesOf(11);
  const call = bucket.setMany(entries);
  assert.equal(driver.prepared, 6);
  for (const [, value] of entries) value.fill(0);
  await call;
  assert.equal(driver.prepared, 6);
  assertStored(driver, 11);
  assert.deepEqual(
    driver.requests.flatMap(({ keys }) => keys),
    entriesOf(11).map(([key]) => key),
  );
});

test("a long batch is copied first and then prepared request by request", async () => {
  const driver = new PreparingDriver();
  driver.limits = { ...driver.limits, set: { maxKeys: 1_000, maxBytes: 1_000_000 } };
  const bucket = await createStore(driver).open("b");
  const entries = entriesOf(20_000);
  const call = bucket.setMany(entries);
  assert.equal(driver.prepared, 0);
  for (const [, value] of entries) value.fill(0);
  await call;
  assert.equal(driver.prepared, 20);
  assertStored(driver, 20_000);
});

test("a prepared set is repeated as a whole, without being prepared again", async () => {
  const driver = new PreparingDriver();
  const seen: unknown[] = [];
  for (let step = 0; step < 2; step++) {
    driver.writes.push((request) => {
      seen.push(request.prepared);
      return { unprocessed: step === 0 ? [0, 1] : [1] };
    });
  }
  const bucket = await createStore(driver, { retry: { baseDelay: 0 } }).open("b");
  await setTwoThenOverwrite(bucket);
  assertStored(driver, 2);
  assert.equal(driver.prepared, 1);
  assert.equal(seen[0], seen[1]);
  assert.deepEqual(
    driver.requests.map(({ keys }) => keys),
    [
      ["k0", "k1"],
      ["k0", "k1"],
      ["k0", "k1"],
    ],
  );
});

test("values of an iterable that reuses one array are copied as they are read", async () => {
  const driver = new PreparingDriver();
  const bucket = await createStore(driver).open("b");
  await bucket.setMany(reusing(5));
  assertStored(driver, 5);
});

test("an array with a custom iterator is read through that iterator", async () => {
  const driver = new PreparingDriver();
  const bucket = await createStore(driver).open("b");
  await bucket.setMany(Object.assign([], { [Symbol.iterator]: () => reusing(5) }));
  assertStored(driver, 5);
});

test("only the last value of a duplicate key is prepared", async () => {
  const driver = new PreparingDriver();
  const bucket = await createStore(driver).open("b");
  await bucket.setMany([["k0", Uint8Array.of(9)], ...entriesOf(3)]);
  assertStored(driver, 3);
  assert.equal(driver.requests.flatMap(({ keys }) => keys).length, 3);
});

test("an error in `prepareSet` rejects the call with a BatchError", async () => {
  const driver = new PreparingDriver();
  driver.prepareSet = () => {
    throw new RangeError("Array buffer allocation failed");
  };
  const bucket = await createStore(driver).open("b");
  await assert.rejects(bucket.setMany(entriesOf(5)), { name: "BatchError", code: "internal" });
});

test("if `prepareSet` fails once, the retry sends the original values, even if the caller changed them", async () => {
  const driver = new PreparingDriver();
  const prepare = driver.prepareSet;
  driver.prepareSet = () => {
    driver.prepareSet = prepare;
    throw new Error("out of memory");
  };
  driver.classify = () => ({ code: "unavailable", retryable: true, effect: "none" });
  const bucket = await createStore(driver, { retry: { baseDelay: 0 } }).open("b");
  await setTwoThenOverwrite(bucket);
  assertStored(driver, 2);
});

function* reusing(count: number): Generator<Entry> {
  const value = new Uint8Array(2);
  for (let index = 0; index < count; index++) {
    value.set([index, 7]);
    yield [`k${index}`, value];
  }
}
