import assert from "node:assert/strict";
import { test } from "vitest";
import { type Bucket, createStore, type KeyValue, type PreparedSet, type SetRequest } from "../src/index.js";
import { part, ScriptedDriver } from "./scripted-driver.js";

/** Prepares copies, and counts. Three requests of two keys are in flight together. */
class PreparingDriver extends ScriptedDriver {
  prepared = 0;

  constructor() {
    super();
    this.limits = { ...this.limits, set: { maxKeys: 2, maxBytes: 1_000_000 }, concurrency: 3 };
  }

  prepareSet(_bucket: string, keys: readonly string[], values: readonly Uint8Array[]): PreparedSet {
    this.prepared++;
    const copies = values.map((value) => value.slice());
    return { keys, valueAt: (index) => copies[index] as Uint8Array };
  }
}

function entriesOf(count: number): [string, Uint8Array][] {
  return Array.from({ length: count }, (_, index) => [`k${index}`, Uint8Array.of(index, 7)]);
}

/** Two entries, whose values are overwritten as soon as the call has returned its promise. */
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

test("the requests that leave at once are prepared within the call, the others when their turn comes", async () => {
  const driver = new PreparingDriver();
  const bucket = await createStore(driver).open("b");
  const entries = entriesOf(11);
  const call = bucket.setMany(entries);
  assert.equal(driver.prepared, 3);
  for (const [, value] of entries) value.fill(0);
  await call;
  assert.equal(driver.prepared, 6);
  assertStored(driver, 11);
});

test("what is repeated as a whole is not prepared again, and a part has the values as they were", async () => {
  const driver = new PreparingDriver();
  const seen: (PreparedSet | undefined)[] = [];
  const note = (request: SetRequest): void => {
    seen.push(request.prepared);
    assert.equal(request.prepared?.keys, request.keys);
  };
  driver.writes.push(
    (request) => {
      note(request);
      return { unprocessed: [0, 1] };
    },
    (request, apply) => {
      note(request);
      return { ...apply(part(request, [0])), unprocessed: [1] };
    },
    (request, apply) => {
      note(request);
      return apply(request);
    },
  );
  const bucket = await createStore(driver, { retry: { baseDelay: 0 } }).open("b");
  await setTwoThenOverwrite(bucket);
  assertStored(driver, 2);
  assert.equal(seen.length, 3);
  assert.equal(seen[0]?.keys, seen[1]?.keys);
  assert.deepEqual(seen[2]?.keys, ["k1"]);
});

test("an iterable that yields the same array again and again is copied as it is read", async () => {
  const driver = new PreparingDriver();
  const bucket = await createStore(driver).open("b");
  await bucket.setMany(reusing(5));
  assertStored(driver, 5);
});

test("an array with an iterator of its own is read by that", async () => {
  const driver = new PreparingDriver();
  const bucket = await createStore(driver).open("b");
  await bucket.setMany(Object.assign([], { [Symbol.iterator]: () => reusing(5) }));
  assertStored(driver, 5);
});

test("of a key that comes twice only the last value is prepared", async () => {
  const driver = new PreparingDriver();
  const bucket = await createStore(driver).open("b");
  await bucket.setMany([["k0", Uint8Array.of(9)], ...entriesOf(3)]);
  assertStored(driver, 3);
  assert.equal(driver.requests.flatMap(({ keys }) => keys).length, 3);
});

test("a driver that fails to prepare has the call reject with an error of the store", async () => {
  const driver = new PreparingDriver();
  driver.prepareSet = () => {
    throw new RangeError("Array buffer allocation failed");
  };
  const bucket = await createStore(driver).open("b");
  await assert.rejects(bucket.setMany(entriesOf(5)), { name: "BatchError", code: "internal" });
});

test("values of a set that could not be prepared at first are sent as they were", async () => {
  const driver = new PreparingDriver();
  const prepare = driver.prepareSet;
  driver.prepareSet = () => {
    driver.prepareSet = prepare;
    throw new Error("for want of memory");
  };
  driver.classify = () => ({ code: "unavailable", retryable: true, effect: "none" });
  const bucket = await createStore(driver, { retry: { baseDelay: 0 } }).open("b");
  await setTwoThenOverwrite(bucket);
  assertStored(driver, 2);
});

function* reusing(count: number): Generator<KeyValue> {
  const value = new Uint8Array(2);
  for (let index = 0; index < count; index++) {
    value.set([index, 7]);
    yield [`k${index}`, value];
  }
}
