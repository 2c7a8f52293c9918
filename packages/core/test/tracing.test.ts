import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { tracingChannel } from "node:diagnostics_channel";
import { test } from "vitest";
import { type AttemptEvent, BatchError, type CallEvent, createStore, type FenceEvent } from "../src/index.js";
import { Scripted, ScriptedDriver } from "./scripted-driver.js";

/** Runs `body` and returns a channel's messages with their kinds. Copies each message when it is published. */
async function record<Event extends object>(name: string, body: () => Promise<void>): Promise<[string, Event][]> {
  const seen: [string, Event][] = [];
  const kinds = ["start", "end", "asyncStart", "asyncEnd", "error"] as const;
  const note = (kind: string) => (event: object) => void seen.push([kind, { ...event } as Event]);
  const subscribers = Object.fromEntries(kinds.map((kind) => [kind, note(kind)])) as never;
  const channel = tracingChannel(name);
  channel.subscribe(subscribers);
  try {
    await body();
  } finally {
    channel.unsubscribe(subscribers);
  }
  return seen;
}

function ended<Event>(seen: readonly [string, Event][]): Event[] {
  return seen.filter(([kind]) => kind === "asyncEnd").map(([, event]) => event);
}

class LocatedDriver extends ScriptedDriver {
  readonly server = { address: "db.example", port: 6379 };
}

async function setTwiceGetOnce(): Promise<void> {
  const driver = new LocatedDriver();
  driver.writes.push(() => ({ unprocessed: [0, 1] }));
  const bucket = await createStore(driver, { retry: { baseDelay: 0 } }).open("b");
  const entries = [0, 1].map((index) => [`k${index}`, Uint8Array.of(index)] as const);
  await bucket.setMany(entries);
  await bucket.set("k", "text" as never).catch(() => {});
  await bucket.get("k0");
}

test("calls are traced with their size, outcomes and error", async () => {
  const seen = await record<CallEvent>("manykv:call", setTwiceGetOnce);
  assert.deepEqual(
    seen.map(([kind]) => kind),
    ["start", "end", "asyncStart", "asyncEnd"]
      .concat(["start", "end", "error", "asyncStart", "asyncEnd"])
      .concat(["start", "end", "asyncStart", "asyncEnd"]),
  );
  const calls = ended(seen);
  assert.deepEqual(
    calls.map(({ driver, server, operation, bucket, batchSize, outcomes, code }) => ({
      driver,
      port: server?.port,
      operation,
      bucket,
      batchSize,
      outcomes,
      code,
    })),
    [
      {
        operation: "setMany",
        batchSize: 2,
        outcomes: { applied: 2, "not-applied": 0, unknown: 0 },
        code: undefined,
      },
      {
        operation: "set",
        batchSize: 1,
        outcomes: { applied: 0, "not-applied": 1, unknown: 0 },
        code: "invalid-argument",
      },
      { operation: "get", batchSize: 1, outcomes: undefined, code: undefined },
    ].map((call) => ({ driver: "scripted", port: 6379, bucket: "b", ...call })),
  );
  assert.ok(BatchError.is(calls[1]?.error));
  assert.equal(new Set(calls.map(({ id }) => id)).size, 3);
  assert.ok(calls.every(({ duration }) => typeof duration === "number"));
  assert.ok(
    seen.every(([, event]) => !("result" in event)),
    "an event must not contain the result, because results contain values",
  );
});

test("a coalesced batch of writes is traced with its outcomes and error", async () => {
  const seen = await record<CallEvent>("manykv:call", async () => {
    const driver = new ScriptedDriver();
    driver.writes.push(() => ({ faults: [{ index: 1, code: "access-denied", retryable: false, effect: "none" }] }));
    const bucket = await createStore(driver).open("b", { coalesce: true });
    const calls = ["a", "b"].map((key) => bucket.set(key, new Uint8Array()));
    assert.deepEqual((await Promise.allSettled(calls)).map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  });
  const batches = seen.filter(([, { operation }]) => operation === "setMany");
  assert.deepEqual(
    batches.map(([kind]) => kind),
    ["start", "end", "error", "asyncStart", "asyncEnd"],
  );
  const [batch] = ended(batches);
  assert.deepEqual(batch?.outcomes, { applied: 1, "not-applied": 1, unknown: 0 });
  assert.equal(batch?.code, "access-denied");
});

test("attempts are traced with the id of their call", async () => {
  let calls: CallEvent[] = [];
  const seen = await record<AttemptEvent>("manykv:attempt", async () => {
    calls = ended(await record<CallEvent>("manykv:call", setTwiceGetOnce));
  });
  assert.deepEqual(
    ended(seen).map(({ callId, operation, batchSize, attempt, undone, code }) => [
      calls.findIndex(({ id }) => id === callId),
      operation,
      batchSize,
      attempt,
      undone,
      code,
    ]),
    [
      [0, "set", 2, 1, 2, "throttled"],
      [0, "set", 2, 2, 0, undefined],
      [2, "get", 1, 1, 0, undefined],
    ],
  );
});

test("an attempt that fails is traced with the engine's code", async () => {
  const [event] = ended(
    await record<AttemptEvent>("manykv:attempt", async () => {
      const driver = new ScriptedDriver();
      driver.reads.push(() => {
        throw new Scripted({ code: "access-denied", retryable: false, effect: "none", reason: "NOPERM" });
      });
      const bucket = await createStore(driver).open("b");
      await assert.rejects(bucket.get("a"), { code: "access-denied", reason: "NOPERM" });
    }),
  );
  assert.deepEqual([event?.code, event?.reason, event?.undone], ["access-denied", "NOPERM", 1]);
});

test("fences are traced with the id of their call, the number of their keys, and why they failed", async () => {
  let calls: CallEvent[] = [];
  const seen = await record<FenceEvent>("manykv:fence", async () => {
    const driver = new LocatedDriver();
    const lost = { code: "connection-lost", retryable: true, effect: "unknown" } as const;
    const refused = async () => {
      throw new Scripted({ code: "access-denied", retryable: false, effect: "none", reason: "NOPERM" });
    };
    const works = async () => {};
    driver.writes.push(() => ({
      faults: [works, refused, works].map((fence, index) => ({ ...lost, fence, index })),
    }));
    const bucket = await createStore(driver, { retry: { baseDelay: 0 } }).open("b");
    calls = ended(
      await record<CallEvent>("manykv:call", () =>
        bucket.setMany(["a", "b", "c"].map((key) => [key, new Uint8Array()] as const)),
      ),
    );
  });
  assert.equal(calls[0]?.unsettled, 1);
  assert.deepEqual(
    ended(seen).map(({ duration, ...event }) => ({ ...event, hasDuration: typeof duration === "number" })),
    [{}, { code: "access-denied", reason: "NOPERM" }].map((failure, index) => ({
      callId: calls[0]?.id,
      driver: "scripted",
      server: { address: "db.example", port: 6379 },
      operation: "fence",
      bucket: "b",
      batchSize: 2 - index,
      ...failure,
      hasDuration: true,
    })),
  );
});

test("a fence that does not settle is traced with `timeout`, and its request is aborted", async () => {
  let aborted: boolean | undefined;
  const seen = await record<FenceEvent>("manykv:fence", async () => {
    const driver = new ScriptedDriver();
    driver.writes.push(() => ({
      faults: [
        {
          index: 0,
          code: "connection-lost",
          retryable: false,
          effect: "unknown",
          fence: (request) => new Promise(() => request.onAbort(() => (aborted = request.aborted))),
        },
      ],
    }));
    const bucket = await createStore(driver).open("b");
    await assert.rejects(bucket.set("a", new Uint8Array(), { timeout: 50 }), { code: "connection-lost" });
  });
  assert.equal(aborted, true);
  assert.deepEqual(
    ended(seen).map(({ code }) => code),
    ["timeout"],
  );
});

test("the value of an AsyncLocalStorage that is bound to `start` is available in the driver", async () => {
  const context = new AsyncLocalStorage<string>();
  const channel = tracingChannel("manykv:call");
  const ignore = (): void => {};
  channel.start.bindStore(context, (event) => (event as CallEvent).operation);
  const subscribers = { start: ignore, end: ignore, asyncStart: ignore, asyncEnd: ignore, error: ignore };
  channel.subscribe(subscribers);
  try {
    const driver = new ScriptedDriver();
    let inDriver: string | undefined;
    driver.reads.push((request, apply) => {
      inDriver = context.getStore();
      return apply(request);
    });
    await (await createStore(driver).open("b")).getMany(["a"]);
    assert.equal(inDriver, "getMany");
  } finally {
    channel.unsubscribe(subscribers);
    channel.start.unbindStore(context);
  }
});
