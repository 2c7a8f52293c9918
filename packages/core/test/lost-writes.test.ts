import assert from "node:assert/strict";
import { test } from "vitest";
import type { Driver, Fault, KeysRequest, WriteAnswer } from "../src/driver.js";
import { BatchError, createStore } from "../src/index.js";
import { ScriptedDriver } from "./scripted-driver.js";

const entries = Array.from({ length: 4 }, (_, index) => [`k${index}`, Uint8Array.of(index)] as const);
const lost: Fault = { code: "connection-lost", retryable: false, effect: "unknown" };

async function failureOf(answer: (request: KeysRequest) => WriteAnswer, signal?: AbortSignal): Promise<BatchError> {
  const driver = new ScriptedDriver();
  driver.writes.push(answer);
  const bucket = await createStore(driver).open("b");
  const error: unknown = await bucket.setMany(entries, { signal }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(BatchError.is(error));
  return error;
}

const unsettledOf = (error: BatchError): unknown[] => Array.from(error.failures(), ({ unsettled }) => unsettled);

test("a lost write is unsettled unless its fence succeeds", async () => {
  const error = await failureOf(() => ({
    faults: [
      { ...lost, index: 0 },
      { ...lost, index: 1, fence: async () => {} },
      { ...lost, index: 2, fence: () => Promise.reject(new Error("refused")) },
      { ...lost, effect: "none", index: 3 },
    ],
  }));
  assert.deepEqual(unsettledOf(error), [true, undefined, true, undefined]);
  assert.match(error.message, /1 of 4 entries not applied, 3 unknown \(2 may still be applied later\)/);
});

test("the lost writes of a cancelled call are unsettled, because it runs no fence", async () => {
  const cancel = new AbortController();
  const error = await failureOf(() => {
    cancel.abort();
    return { faults: entries.map((_, index) => ({ ...lost, index, fence: async () => {} })) };
  }, cancel.signal);
  assert.deepEqual(unsettledOf(error), [true, true, true, true]);
});

/** A driver whose server restarts, empty, after it has acknowledged its first `acknowledged` requests. */
class RestartingDriver extends ScriptedDriver implements Driver {
  generation = 1;
  acknowledged: number;

  constructor(acknowledged: number) {
    super();
    this.acknowledged = acknowledged;
  }

  override async set(request: Parameters<ScriptedDriver["set"]>[0]): Promise<WriteAnswer> {
    if (this.acknowledged-- === 0) this.generation++;
    return super.set(request);
  }
}

test("entries that a server acknowledged before it was replaced during the call are unknown", async () => {
  const options = { requestLimits: { maxKeys: 1 }, concurrency: 1 };
  const bucket = await createStore(new RestartingDriver(3), options).open("b");
  const error: unknown = await bucket.setMany(entries).catch((reason: unknown) => reason);
  assert.ok(BatchError.is(error));
  const reason = "the server restarted during the call";
  const failure = (index: number) => ({ index, outcome: "unknown", code: "connection-lost", reason });
  assert.deepEqual([...error.failures()], [0, 1, 2].map(failure));
  assert.equal(error.retryable, true);
});

test("only entries that the replaced server may have held become unknown", async () => {
  const asked: unknown[] = [];
  const driver: Driver = Object.assign(new RestartingDriver(3), {
    lostSince: (...question: [generation: number, bucket: string, key: string]) => {
      asked.push(question);
      return question[2] === entries[1]?.[0];
    },
  });
  const bucket = await createStore(driver, { requestLimits: { maxKeys: 1 }, concurrency: 1 }).open("b");
  const error: unknown = await bucket.setMany(entries).catch((reason: unknown) => reason);
  assert.ok(BatchError.is(error));
  assert.deepEqual(
    Array.from(error.failures(), ({ index }) => index),
    [1],
  );
  assert.deepEqual(
    asked,
    entries.slice(0, 3).map(([key]) => [1, "b", key]),
  );
});

test("a restart before the first acknowledgement of a call does not concern the call", async () => {
  const bucket = await createStore(new RestartingDriver(0), { requestLimits: { maxKeys: 1 }, concurrency: 1 }).open(
    "b",
  );
  await bucket.setMany(entries);
});
