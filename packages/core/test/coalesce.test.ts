import assert from "node:assert/strict";
import { stat } from "node:fs";
import fc from "fast-check";
import { test } from "vitest";
import { type Fault, pickKeys } from "../src/driver.js";
import { BatchError, type Bucket, createStore, StoreError } from "../src/index.js";
import { never, Scripted, ScriptedDriver } from "./scripted-driver.js";

const refused: Fault = { code: "access-denied", retryable: false, effect: "none" };

async function setUp(): Promise<{ driver: ScriptedDriver; plain: Bucket; bucket: Bucket }> {
  const driver = new ScriptedDriver();
  const store = createStore(driver, { retry: { attempts: 2, baseDelay: 0 } });
  return { driver, plain: await store.open("b"), bucket: await store.open("b", { coalesce: true }) };
}

function codes(results: readonly PromiseSettledResult<unknown>[]): (string | undefined)[] {
  return results.map((result) => (result.status === "rejected" ? (result.reason as StoreError).code : undefined));
}

test("calls of one event loop turn are sent as one request per operation", async () => {
  const { driver, bucket } = await setUp();
  await Promise.all(["a", "b", "c"].map((key, index) => bucket.set(key, Uint8Array.of(index))));
  const values = await Promise.all(["c", "a", "x", "a"].map((key) => bucket.get(key)));
  assert.deepEqual(values, [Uint8Array.of(2), Uint8Array.of(0), undefined, Uint8Array.of(0)]);
  await Promise.all([bucket.delete("a"), bucket.delete("b"), bucket.set("d", Uint8Array.of(9))]);
  assert.deepEqual(
    driver.requests.map(({ kind, keys }) => [kind, keys.length]),
    [
      ["set", 3],
      ["get", 3],
      ["delete", 2],
      ["set", 1],
    ],
  );
});

test("calls made after a resolved promise in the same turn share a batch", async () => {
  const { driver, bucket } = await setUp();
  const late = async (key: string): Promise<unknown> => {
    await Promise.resolve();
    await Promise.resolve();
    return bucket.get(key);
  };
  await Promise.all([bucket.get("a"), late("b"), late("c")]);
  assert.equal(driver.requests.length, 1);
});

test("the last of several writes to a key in one turn wins, whether it sets or deletes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.option(fc.nat(255))), { maxLength: 12 }),
      async (writes) => {
        const { plain, bucket } = await setUp();
        const expected = new Map<string, number>();
        const calls = writes.map(([key, byte]) => {
          if (byte === null) expected.delete(key);
          else expected.set(key, byte);
          return byte === null ? bucket.delete(key) : bucket.set(key, Uint8Array.of(byte));
        });
        await Promise.all(calls);
        const pairs = await plain.getMany(["a", "b", "c"]);
        assert.deepEqual(
          pairs.map((pair) => pair?.[1][0]),
          ["a", "b", "c"].map((key) => expected.get(key)),
        );
      },
    ),
    { numRuns: 200 },
  );
});

test("each call has the outcome of its own key", async () => {
  const { driver, bucket } = await setUp();
  driver.writes.push((request, apply) => ({
    ...apply(pickKeys(request, [0, 2])),
    faults: [{ ...refused, index: 1 }],
  }));
  const results = await Promise.allSettled(["a", "b", "c"].map((key) => bucket.set(key, Uint8Array.of(1))));
  assert.deepEqual(codes(results), [undefined, "access-denied", undefined]);
  const [, failed] = results;
  assert.ok(failed?.status === "rejected" && BatchError.is(failed.reason));
  assert.deepEqual(failed.reason.counts, { applied: 0, "not-applied": 1, unknown: 0 });

  driver.reads.push(
    () => {
      throw new Scripted(refused);
    },
    (request, apply) => apply(request),
    () => {
      throw new Scripted(refused);
    },
  );
  assert.deepEqual(codes(await Promise.allSettled([bucket.get("a"), bucket.get("b")])), [undefined, "access-denied"]);
});

test("each failed call reports its own `retryable`", async () => {
  const { driver, bucket } = await setUp();
  const faults = [{ code: "unavailable", retryable: true, effect: "none" } as const, refused];
  for (let step = 0; step < 2; step++) {
    driver.writes.push(({ keys }) => ({
      faults: keys.map((key, index) => ({ ...(faults[key === "a" ? 0 : 1] as Fault), index })),
    }));
  }
  const results = await Promise.allSettled(["a", "b"].map((key) => bucket.set(key, Uint8Array.of(1))));
  assert.deepEqual(codes(results), ["unavailable", "access-denied"]);
  assert.deepEqual(
    results.map((result) => result.status === "rejected" && (result.reason as StoreError).retryable),
    [true, false],
  );
});

test("an invalid argument rejects only its own call", async () => {
  const { driver, bucket } = await setUp();
  const results = await Promise.allSettled([
    bucket.set("a", Uint8Array.of(1)),
    bucket.set("\ud800", Uint8Array.of(1)),
    bucket.set("b", "text" as never),
    bucket.get("x".repeat(2_000)),
    bucket.delete(undefined as never),
    bucket.get("a", { timeout: -1 }),
    bucket.get("a", { signal: "no" as never }),
  ]);
  assert.deepEqual(codes(results), [
    undefined,
    "invalid-argument",
    "invalid-argument",
    "too-large",
    "invalid-argument",
    "invalid-argument",
    "invalid-argument",
  ]);
  assert.equal(driver.requests.length, 1);
});

test("the caller may change a value after the method returns its promise", async () => {
  const { plain, bucket } = await setUp();
  const value = Uint8Array.of(1, 2, 3);
  const written = bucket.set("a", value);
  value.fill(0);
  await written;
  assert.deepEqual(await plain.get("a"), Uint8Array.of(1, 2, 3));
});

test("cancelling one call does not affect the others and reports the correct outcome", async () => {
  const { driver, bucket } = await setUp();
  const before = new AbortController();
  const unsent = bucket.set("a", Uint8Array.of(1), { signal: before.signal });
  const other = bucket.set("b", Uint8Array.of(2));
  before.abort();
  const error = await unsent.catch((reason: unknown) => reason);
  assert.ok(BatchError.is(error) && error.code === "aborted");
  assert.equal(error.outcomeOf(0), "not-applied");
  await other;
  assert.deepEqual([...driver.data.keys()], ["b:b"]);

  const during = new AbortController();
  driver.writes.push(() => {
    setImmediate(() => during.abort());
    return never();
  });
  const sent = await bucket
    .set("c", Uint8Array.of(3), { signal: during.signal, timeout: 500 })
    .catch((reason: unknown) => reason);
  assert.ok(BatchError.is(sent));
  assert.equal(sent.outcomeOf(0), "unknown");
  await assert.rejects(
    bucket.get("a", { signal: AbortSignal.abort() }),
    (reason) => StoreError.is(reason) && reason.code === "aborted",
  );
});

test("close() waits for the calls that were made before it", async () => {
  const driver = new ScriptedDriver();
  const store = createStore(driver);
  const bucket = await store.open("b", { coalesce: true });
  const written = bucket.set("a", Uint8Array.of(1));
  const read = bucket.get("a");
  const closing = store.close();
  await Promise.all([written, read, closing]);
  assert.equal(driver.data.size, 1);
  await assert.rejects(bucket.get("a"), (reason) => StoreError.is(reason) && reason.code === "closed");
});

test("the calls of a rejected batch are repeated one by one before the store closes", async () => {
  const driver = new ScriptedDriver();
  driver.data.set("b:b", Uint8Array.of(2));
  const store = createStore(driver);
  const bucket = await store.open("b", { coalesce: true });
  let closing: Promise<void> | undefined;
  driver.reads.push(
    (request, apply) => {
      closing = store.close();
      return { ...apply(request), faults: [{ ...refused, index: 0 }] };
    },
    () => {
      throw new Scripted(refused);
    },
    (request, apply) => {
      assert.equal(driver.closed, 0);
      return apply(request);
    },
  );
  const settled: string[] = [];
  const reads = ["a", "b"].map((key) => bucket.get(key).finally(() => settled.push(key)));
  const results = await Promise.allSettled(reads);
  await closing?.then(() => settled.push("closed"));
  assert.deepEqual(codes(results), ["access-denied", undefined]);
  assert.deepEqual([...settled.slice(0, 2).sort(), ...settled.slice(2)], ["a", "b", "closed"]);
  assert.equal(driver.closed, 1);
  await assert.rejects(bucket.get("b"), (reason) => StoreError.is(reason) && reason.code === "closed");
});

for (const [whose, options, ofStore] of [
  ["the call's", { timeout: 1_000 }, {}],
  ["the store's", undefined, { timeout: 1_000 }],
] as const) {
  test(`the calls of a rejected batch are repeated within ${whose} timeout`, async () => {
    const driver = new ScriptedDriver();
    const bucket = await createStore(driver, ofStore).open("b", { coalesce: true });
    let start = 0;
    const deadlines: number[] = [];
    driver.reads.push(async () => {
      start = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 600));
      throw new Scripted(refused);
    });
    for (let step = 0; step < 2; step++) {
      driver.reads.push((request, apply) => {
        deadlines.push(request.deadline);
        return apply(request);
      });
    }
    await Promise.allSettled([bucket.get("a", options), bucket.get("b", options)]);
    for (const deadline of deadlines) {
      assert.ok(
        deadline <= start + 1_000,
        `the deadline must be at most 1,000 ms after the start, but is ${deadline - start} ms after it`,
      );
    }
  });
}

test("a write settles by its own deadline even if a later write to the same key has a longer timeout", async () => {
  const { driver, bucket } = await setUp();
  let answer: (() => void) | undefined;
  driver.writes.push(async (request, apply) => {
    await new Promise<void>((resolve) => {
      answer = resolve;
    });
    return apply(request);
  });
  const hasty = bucket.set("a", Uint8Array.of(1), { timeout: 50 });
  const patient = bucket.set("a", Uint8Array.of(2), { timeout: Infinity });
  const error = await hasty.catch((reason: unknown) => reason);
  assert.ok(BatchError.is(error) && error.code === "timeout" && error.retryable);
  assert.equal(error.outcomeOf(0), "unknown");
  answer?.();
  await patient;
  assert.deepEqual(driver.data.get("b:a"), Uint8Array.of(2));
});

test("a write with invalid options rejects with a BatchError, as on a plain bucket", async () => {
  const { plain, bucket } = await setUp();
  for (const options of [{ signal: {} }, { timeout: -1 }, 5, null] as never[]) {
    for (const each of [plain, bucket]) {
      for (const write of [each.set("a", Uint8Array.of(1), options), each.delete("a", options)]) {
        const error = await write.catch((reason: unknown) => reason);
        assert.ok(BatchError.is(error) && error.code === "invalid-argument");
        assert.equal(error.outcomeOf(0), "not-applied");
      }
    }
  }
});

test("a batch is cancelled once all of its calls are cancelled", async () => {
  const { driver, bucket } = await setUp();
  const controllers = [new AbortController(), new AbortController()];
  let interrupted = false;
  driver.reads.push((request) => {
    request.signal.addEventListener("abort", () => {
      interrupted = true;
    });
    setImmediate(() => {
      for (const controller of controllers) controller.abort();
    });
    return never();
  });
  const reads = controllers.map(({ signal }, index) => bucket.get(`k${index}`, { signal, timeout: Infinity }));
  assert.deepEqual(codes(await Promise.allSettled(reads)), ["aborted", "aborted"]);
  assert.ok(interrupted);
});

test("the other methods work as on a plain bucket", async () => {
  const { bucket } = await setUp();
  await bucket.setMany([["a", Uint8Array.of(1)]]);
  assert.equal(await bucket.exists("a"), true);
  assert.deepEqual(await bucket.getMany(["a"]), [["a", Uint8Array.of(1)]]);
  await bucket.deleteMany(["a"]);
  assert.deepEqual(await bucket.listKeys(), { keys: [] });
  for await (const _ of bucket.keys()) assert.fail("no key should be listed");
  assert.equal(bucket.name, "b");
});

test("a batch whose deadline passes before it can be read rejects its calls and does not stop close()", async () => {
  const { driver, bucket } = await setUp();
  const store = createStore(driver);
  const coalescing = await store.open("b", { coalesce: true });
  // After a callback of the file system, Node.js runs `setImmediate` before timers, so the batch is sent too late.
  await new Promise((resolve) => stat(import.meta.filename, resolve));
  const calls = Array.from({ length: 3_000 }, (_, index) =>
    coalescing.set(`k${index}`, Uint8Array.of(1), { timeout: 5 }),
  );
  const end = performance.now() + 20;
  while (performance.now() < end);
  assert.deepEqual([...new Set(codes(await Promise.allSettled(calls)))], ["timeout"]);
  await store.close();
  assert.equal(await bucket.get("k0"), undefined);
});
