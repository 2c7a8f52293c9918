import assert from "node:assert/strict";
import { test } from "vitest";
import { type Fault, pickKeys } from "../src/driver.js";
import { BatchError, createStore, type Entry, type StoreOptions } from "../src/index.js";
import { never, Scripted, ScriptedDriver } from "./scripted-driver.js";

const refused: Fault = { code: "access-denied", retryable: false, effect: "none", reason: "NOPERM" };
const busy: Fault = { code: "unavailable", retryable: true, effect: "none" };
const lost: Fault = { code: "connection-lost", retryable: true, effect: "unknown" };
const quick: StoreOptions = { retry: { baseDelay: 1, maxDelay: 2 } };

function entries(count: number): Entry[] {
  return Array.from({ length: count }, (_, index) => [`k${index}`, Uint8Array.of(index)] as const);
}

async function failure(promise: Promise<void>): Promise<BatchError> {
  return promise.then(
    () => assert.fail("the write resolved, but the test expects a BatchError"),
    (error: unknown) => {
      assert.ok(BatchError.is(error), String(error));
      return error;
    },
  );
}

async function bucketOver(driver: ScriptedDriver, options: StoreOptions = quick) {
  return createStore(driver, options).open("b");
}

test("a write repeats only unprocessed keys until all keys are written", async () => {
  const driver = new ScriptedDriver();
  driver.writes.push(
    (request, apply) => ({ ...apply(pickKeys(request, [0, 2])), unprocessed: [1, 3] }),
    (request, apply) => ({ ...apply(pickKeys(request, [1])), unprocessed: [0] }),
  );
  await (await bucketOver(driver)).setMany(entries(4));
  assert.deepEqual(
    driver.requests.map(({ keys }) => keys),
    [["k0", "k1", "k2", "k3"], ["k1", "k3"], ["k1"]],
  );
  assert.equal(driver.data.size, 4);
});

test("`retry.attempts` counts only attempts without progress", async () => {
  const driver = new ScriptedDriver();
  const bucket = await bucketOver(driver, { retry: { attempts: 2, baseDelay: 0, maxDelay: 0 } });
  // Each attempt completes one key, so there are five attempts although `retry.attempts` is 2.
  for (let step = 0; step < 4; step++) {
    driver.writes.push((request, apply) => ({
      ...apply(pickKeys(request, [0])),
      unprocessed: request.keys.map((_, index) => index).slice(1),
    }));
  }
  await bucket.setMany(entries(5));
  assert.equal(driver.requests.length, 5);

  driver.requests.length = 0;
  for (let step = 0; step < 9; step++)
    driver.writes.push(({ keys }) => ({ unprocessed: keys.map((_, index) => index) }));
  const error = await failure(bucket.setMany(entries(3)));
  assert.equal(driver.requests.length, 2);
  assert.equal(error.code, "throttled");
  assert.deepEqual(error.counts, { applied: 0, "not-applied": 3, unknown: 0 });
});

test("a refused key is not repeated and does not affect other keys", async () => {
  const driver = new ScriptedDriver();
  driver.writes.push((request, apply) => ({
    ...apply(pickKeys(request, [0, 2])),
    faults: [{ ...refused, index: 1 }],
  }));
  const bucket = await bucketOver(driver, { ...quick, requestLimits: { maxKeys: 3 }, concurrency: 1 });
  const error = await failure(bucket.setMany(entries(5)));
  assert.deepEqual(
    [...error.failures()],
    [{ index: 1, outcome: "not-applied", code: "access-denied", reason: "NOPERM" }],
  );
  assert.equal(error.tag, "access-denied");
  assert.equal(error.retryable, false);
  assert.equal(driver.requests.length, 2);
});

test("a key that times out does not report the fault of another key", async () => {
  const driver = new ScriptedDriver();
  const connecting: Fault = { code: "timeout", retryable: true, effect: "none" };
  driver.writes.push(() => ({
    faults: [
      { ...refused, index: 0 },
      { ...busy, index: 1 },
    ],
  }));
  for (let step = 0; step < 40; step++) {
    driver.writes.push(
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(new Scripted(connecting)));
        }),
    );
  }
  const options = { ...quick, requestLimits: { maxKeys: 2 }, concurrency: 1 };
  const error = await failure((await bucketOver(driver, options)).setMany(entries(2), { timeout: 200 }));
  assert.deepEqual(
    [...error.failures()],
    [
      { index: 0, outcome: "not-applied", code: "access-denied", reason: "NOPERM" },
      { index: 1, outcome: "not-applied", code: "unavailable" },
    ],
  );
});

test("a BatchError is retryable only if every failure is retryable", async () => {
  const final: Fault = { ...busy, retryable: false };
  for (const [faults, retryable] of [
    [[busy, refused], false],
    [[refused, busy], false],
    [[busy, final], false],
    [[busy, busy], true],
  ] as const) {
    const driver = new ScriptedDriver();
    for (let step = 0; step < 2; step++) {
      driver.writes.push(({ keys }) => ({
        faults: keys.map((key, index) => ({ ...(faults[key === "k0" ? 0 : 1] as Fault), index })),
      }));
    }
    const bucket = await bucketOver(driver, { retry: { attempts: 2, baseDelay: 0 } });
    const error = await failure(bucket.setMany(entries(2)));
    assert.equal(error.retryable, retryable);
    assert.equal(error.counts["not-applied"], 2);
  }
});

test("a key that never succeeds does not stop the keys of other requests", async () => {
  const driver = new ScriptedDriver();
  driver.writes.push(
    (request, apply) => ({ ...apply(pickKeys(request, [1])), unprocessed: [0] }),
    () => ({ unprocessed: [0] }),
    () => ({ unprocessed: [0] }),
  );
  const options = { retry: { attempts: 2, baseDelay: 0 }, requestLimits: { maxKeys: 2 }, concurrency: 1 };
  const error = await failure((await bucketOver(driver, options)).setMany(entries(6)));
  assert.deepEqual([...error.failures()], [{ index: 0, outcome: "not-applied", code: "throttled" }]);
});

test("a request that fails as a whole and is not retryable stops the batch and keeps earlier outcomes", async () => {
  const driver = new ScriptedDriver();
  driver.writes.push(
    (request, apply) => apply(request),
    () => {
      throw new Scripted(refused);
    },
  );
  const bucket = await bucketOver(driver, { ...quick, requestLimits: { maxKeys: 2 }, concurrency: 1 });
  const error = await failure(bucket.setMany(entries(6)));
  assert.deepEqual(error.counts, { applied: 2, "not-applied": 4, unknown: 0 });
  assert.deepEqual(Array.from({ length: 6 }, (_, index) => error.outcomeOf(index)).slice(0, 3), [
    "applied",
    "applied",
    "not-applied",
  ]);
  assert.deepEqual(new Set([...error.failures()].map(({ code }) => code)), new Set(["access-denied"]));
  assert.equal(driver.requests.length, 2);
});

test("only an acknowledgement changes `unknown`", async () => {
  const driver = new ScriptedDriver();
  // The engine refuses the second attempt. The first attempt, whose response was lost, may have been applied.
  driver.writes.push(
    () => {
      throw new Scripted(lost);
    },
    ({ keys }) => ({ faults: keys.map((_, index) => ({ ...refused, index })) }),
  );
  const bucket = await bucketOver(driver);
  const error = await failure(bucket.setMany(entries(2)));
  assert.deepEqual(error.counts, { applied: 0, "not-applied": 0, unknown: 2 });

  driver.writes.push(
    () => {
      throw new Scripted(lost);
    },
    (request, apply) => ({ ...apply(pickKeys(request, [1])), unprocessed: [0] }),
  );
  await bucket.setMany(entries(2));
  assert.equal(driver.data.size, 2);
});

test("entries with the same key share one outcome", async () => {
  const driver = new ScriptedDriver();
  driver.writes.push((request, apply) => ({
    ...apply(pickKeys(request, [1])),
    faults: [{ ...refused, index: 0 }],
  }));
  const bucket = await bucketOver(driver);
  const error = await failure(
    bucket.setMany([
      ["a", Uint8Array.of(1)],
      ["b", Uint8Array.of(2)],
      ["a", Uint8Array.of(3)],
    ]),
  );
  // Each key is sent once, at the position of its last entry.
  assert.deepEqual(driver.requests[0]?.keys, ["b", "a"]);
  assert.deepEqual(
    [0, 1, 2].map((index) => error.outcomeOf(index)),
    ["applied", "not-applied", "applied"],
  );
});

test("a lost write is fenced once before it is repeated", async () => {
  const driver = new ScriptedDriver();
  const events: string[] = [];
  const fence = async (): Promise<void> => void events.push("fence");
  driver.writes.push(
    (request, apply) => {
      events.push("first");
      apply(pickKeys(request, [0]));
      return { faults: [1, 2].map((index) => ({ ...lost, index, fence })) };
    },
    (request, apply) => {
      events.push("second");
      return apply(request);
    },
  );
  await (await bucketOver(driver)).setMany(entries(3));
  assert.deepEqual(events, ["first", "fence", "second"]);
});

test("keys stay `unknown` if their fence fails or hangs", async () => {
  for (const fence of [() => Promise.reject(new Error("no")), () => never<void>()]) {
    const driver = new ScriptedDriver();
    for (let step = 0; step < 40; step++) {
      driver.writes.push(() => {
        throw new Scripted({ ...lost, fence });
      });
    }
    const error = await failure((await bucketOver(driver)).setMany(entries(2), { timeout: 300 }));
    assert.deepEqual(error.counts, { applied: 0, "not-applied": 0, unknown: 2 });
  }
});

test("if the driver never responds, sent entries are `unknown` and the others are `not-applied`", async () => {
  const driver = new ScriptedDriver();
  for (let step = 0; step < 40; step++) driver.writes.push(() => never());
  const bucket = await bucketOver(driver, { ...quick, requestLimits: { maxKeys: 2 }, concurrency: 2 });
  const error = await failure(bucket.setMany(entries(8), { timeout: 200 }));
  assert.equal(error.code, "timeout");
  assert.deepEqual(error.counts, { applied: 0, "not-applied": 4, unknown: 4 });
});

test("an attempt without a response leaves time for another attempt", async () => {
  const driver = new ScriptedDriver();
  driver.writes.push(() => never());
  await (await bucketOver(driver)).setMany(entries(2), { timeout: 1_000 });
  assert.equal(driver.requests.length, 2);
});

test("a call that times out while it waits for a connection reports the engine's earlier fault", async () => {
  const driver = new ScriptedDriver();
  const full: Fault = { code: "unavailable", retryable: true, effect: "none", reason: "53300" };
  const connecting: Fault = { code: "timeout", retryable: true, effect: "none" };
  driver.writes.push(() => {
    throw new Scripted(full);
  });
  for (let step = 0; step < 40; step++) {
    driver.writes.push(
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(new Scripted(connecting)));
        }),
    );
  }
  const error = await failure((await bucketOver(driver)).setMany(entries(2), { timeout: 200 }));
  assert.equal(error.code, "unavailable");
  assert.match(error.message, /53300/);
  assert.deepEqual(error.counts, { applied: 0, "not-applied": 2, unknown: 0 });
});

test("an interrupted driver can still report outcomes", async () => {
  const driver = new ScriptedDriver();
  const controller = new AbortController();
  driver.writes.push(
    (request, apply) =>
      new Promise((resolve) => {
        request.signal.addEventListener("abort", () => {
          apply(pickKeys(request, [0]));
          resolve({
            faults: [
              { ...lost, index: 1 },
              { ...busy, index: 2 },
            ],
          });
        });
        controller.abort();
      }),
  );
  const error = await failure((await bucketOver(driver)).setMany(entries(3), { signal: controller.signal }));
  assert.deepEqual(
    [0, 1, 2].map((index) => error.outcomeOf(index)),
    ["applied", "unknown", "not-applied"],
  );
  assert.deepEqual(new Set([...error.failures()].map(({ code }) => code)), new Set(["aborted"]));
});

test("cancelling a call during backoff rejects it promptly and keeps the outcomes", async () => {
  const driver = new ScriptedDriver();
  const controller = new AbortController();
  driver.writes.push(() => {
    setImmediate(() => controller.abort());
    return { unprocessed: [0, 1] };
  });
  const bucket = await bucketOver(driver, {
    retry: { baseDelay: 60_000, maxDelay: 60_000 },
    timeout: Infinity,
  });
  const error = await failure(bucket.setMany(entries(2), { signal: controller.signal }));
  assert.equal(error.code, "aborted");
  assert.deepEqual(error.counts, { applied: 0, "not-applied": 2, unknown: 0 });
});

test("cancelling a call during a fence rejects it promptly", async () => {
  const driver = new ScriptedDriver();
  const controller = new AbortController();
  const fence = (): Promise<void> => {
    setImmediate(() => controller.abort());
    return never();
  };
  driver.writes.push(() => {
    throw new Scripted({ ...lost, fence });
  });
  const bucket = await bucketOver(driver, {
    retry: { baseDelay: 1e9, maxDelay: 1e9 },
    timeout: Infinity,
  });
  const error = await failure(bucket.setMany(entries(2), { signal: controller.signal }));
  assert.equal(error.code, "aborted");
  assert.deepEqual(error.counts, { applied: 0, "not-applied": 0, unknown: 2 });
});

test("if `classify` throws, the call rejects with `internal` and the outcome is `unknown`", async () => {
  const driver = new ScriptedDriver();
  driver.classify = () => {
    throw new Error("broken");
  };
  driver.writes.push(() => {
    throw new Error("secret");
  });
  const error = await failure((await bucketOver(driver)).setMany(entries(1)));
  assert.equal(error.code, "internal");
  assert.deepEqual(error.counts, { applied: 0, "not-applied": 0, unknown: 1 });
  assert.ok(!error.message.includes("secret"));
});

test("outcomeOf throws a RangeError for an invalid index", async () => {
  const driver = new ScriptedDriver();
  driver.writes.push(() => {
    throw new Scripted(refused);
  });
  const error = await failure((await bucketOver(driver)).setMany(entries(2)));
  for (const index of [-1, 2, 0.5, Number.NaN]) assert.throws(() => error.outcomeOf(index), RangeError);
});
