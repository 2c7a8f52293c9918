import assert from "node:assert/strict";
import { tracingChannel } from "node:diagnostics_channel";
import { type Abilities, BatchError, type Bucket, type CallEvent, type Store, type StoreOptions } from "@manykv/core";
import type { CaseContext } from "../case-context.js";
import type { ConformanceCase } from "../conformance-case.js";
import { abilitiesOf } from "../support/abilities.js";
import { bytes, pattern } from "../support/bytes.js";
import { networkClients } from "../support/network.js";
import { recordEvents } from "../support/record-events.js";
import { recordRequests } from "../support/recording-driver.js";
import { assertNothingApplied, batchErrorOf, rejectionOf, rejectsWith } from "../support/rejections.js";
import { pause } from "../support/settles.js";
import { leavesNoneUnhandled } from "../support/unhandled-rejections.js";

/** Largest `ArrayBuffer` that several values may share, in bytes (S2 in `docs/semantics.md`). */
const longestShared = 65_536;
/** Bytes of a response that may stay in memory with a longer value. */
const longestFrame = 1_024;

/** Cases for behavior that no other rule describes, and that must not change when the URL of a store changes. */
export const sameEverywhereCases: readonly ConformanceCase[] = [
  {
    id: "same-no-synchronous-throw",
    rule: "same",
    subject: "core",
    alone: true,
    title: "no method throws before it returns a promise, whatever its arguments are, even after close",
    run: (context) =>
      leavesNoneUnhandled(async () => {
        const store = await context.store();
        for (const coalesce of [false, true]) {
          const bucket = await store.open(context.bucketName(), { coalesce });
          for (const [name, call] of wrongCalls(store, bucket)) await rejectionOf(call(), name);
        }
        const bucket = await store.open(context.bucketName());
        await store.close();
        for (const [name, call] of wrongCalls(store, bucket))
          await rejectsWith(call(), "closed", `${name} after close`);
      }),
  },
  {
    id: "same-value-memory",
    rule: "same",
    subject: "driver",
    title: "a value is a plain Uint8Array; its ArrayBuffer has at most 64 KiB, or at most 1 KiB more than the value",
    async run(context) {
      const bucket = await context.bucket();
      const keys = ["0", "1", "100", "5000", "70000"];
      await bucket.setMany(keys.map((key) => [key, pattern(Math.min(Number(key), bucket.limits.maxValueBytes))]));
      const values = (await bucket.getMany(keys)).map((record) => record?.[1]);
      for (const value of [...values, await bucket.get("100"), await bucket.get("70000")]) {
        assert.ok(value !== undefined);
        assert.equal(Object.getPrototypeOf(value), Uint8Array.prototype);
        assert.equal(Object.prototype.toString.call(value.buffer), "[object ArrayBuffer]");
        assert.ok(
          value.buffer.byteLength <= Math.max(longestShared, value.byteLength + longestFrame),
          `a value of ${value.byteLength} bytes must not keep ${value.buffer.byteLength} bytes in memory`,
        );
        assert.equal(structuredClone(value).byteLength, value.byteLength);
      }
    },
  },
  {
    id: "same-event-loop",
    rule: "same",
    subject: "driver",
    alone: true,
    title: "a program that awaits one call after the other lets timers and I/O callbacks run",
    async run(context) {
      const bucket = await context.bucket();
      await bucket.set("key", bytes("v"));
      for (const call of [() => bucket.get("key"), () => bucket.set("key", bytes("v")), () => bucket.listKeys()]) {
        let hasRun = false;
        setTimeout(() => {
          hasRun = true;
        }, 0);
        for (let calls = 0; !hasRun && calls < 200_000; calls++) await call();
        assert.ok(hasRun, "200,000 awaited calls must let a timer of 0 ms run");
      }
    },
  },
  {
    id: "same-tracing-events",
    rule: "same",
    subject: "driver",
    title: "the tracing events of calls have the driver's name, its server, and the same operations and sizes",
    async run(context) {
      const { name, server } = await context.driver();
      assert.ok(
        server === undefined || (typeof server.address === "string" && server.address !== ""),
        "`server` must have an address",
      );
      const bucket = await context.bucket();
      const { calls, attempts } = await recordEvents(bucket.name, async () => {
        await bucket.setMany([
          ["a", bytes("v")],
          ["b", bytes("v")],
        ]);
        await bucket.getMany(["a", "b", "a"]);
        await bucket.exists("a");
        await bucket.listKeys();
        await bucket.deleteMany(["a", "b"]);
        await bucket.getMany(["\ud800"]).catch(() => {});
      });
      const applied = (size: number): CallEvent["outcomes"] => ({ applied: size, "not-applied": 0, unknown: 0 });
      assert.deepEqual(
        calls.map(({ operation, batchSize, outcomes, code }) => ({ operation, batchSize, outcomes, code })),
        [
          { operation: "setMany", batchSize: 2, outcomes: applied(2), code: undefined },
          { operation: "getMany", batchSize: 3, outcomes: undefined, code: undefined },
          { operation: "exists", batchSize: 1, outcomes: undefined, code: undefined },
          { operation: "listKeys", batchSize: 1, outcomes: undefined, code: undefined },
          { operation: "deleteMany", batchSize: 2, outcomes: applied(2), code: undefined },
          { operation: "getMany", batchSize: 1, outcomes: undefined, code: "invalid-argument" },
        ],
      );
      for (const event of [...calls, ...attempts]) {
        assert.equal(event.driver, name);
        assert.deepEqual(event.server && { ...event.server }, server && { ...server });
        assert.equal(typeof event.duration, "number");
      }
      for (const { callId, undone } of attempts) {
        assert.ok(calls.some(({ id }) => id === callId));
        assert.equal(undone, 0);
      }
    },
  },
  {
    id: "same-tracing-one-subscriber",
    rule: "same",
    subject: "core",
    // Subscribers of other cases would cause the events.
    alone: true,
    title: "a program that subscribes to only one of a tracing channel's five events receives this event",
    async run(context) {
      const bucket = await context.bucket();
      for (const event of ["start", "end", "asyncStart", "asyncEnd", "error"] as const) {
        const channel = tracingChannel("manykv:call")[event];
        const operations: string[] = [];
        const note = (message: unknown): void => {
          const { bucket: name, operation } = message as CallEvent;
          if (name === bucket.name) operations.push(operation);
        };
        channel.subscribe(note);
        try {
          await bucket.getMany(["key"]);
          await bucket.deleteMany(["\ud800"]).catch(() => {});
          // The event of a call is published after its promise has settled.
          await pause(1);
        } finally {
          channel.unsubscribe(note);
        }
        const expected = event === "error" ? ["deleteMany"] : ["getMany", "deleteMany"];
        assert.deepEqual(operations, expected, `a subscriber of ${event}`);
      }
    },
  },
  {
    id: "same-tracing-events-of-updates",
    rule: "same",
    subject: "ability",
    needs: ["ttl", "ifAbsent", "increment", "compareAndSwap"],
    title: "increments, swaps, conditional writes, existsMany, ttlMany and clear publish one event per call",
    async run(context) {
      const bucket = await context.bucket();
      const { calls, attempts } = await recordEvents(bucket.name, async () => {
        await bucket.setMany([["a", bytes("1"), { ttl: 60_000 }]], { ifAbsent: true });
        await bucket.set("a", bytes("1"), { ifAbsent: true }).catch(() => {});
        await bucket.increment("b");
        await bucket.increment("b", 2n ** 63n).catch(() => {});
        await bucket.compareAndSwap("a", { expected: bytes("other"), value: bytes("2") });
        await bucket.existsMany(["a", "b", "c"]);
        await bucket.ttlMany(["a", "b"]);
        await bucket.clear();
      });
      assert.deepEqual(
        calls.map(({ operation, batchSize, code }) => ({ operation, batchSize, code })),
        [
          { operation: "setMany", batchSize: 1, code: undefined },
          { operation: "set", batchSize: 1, code: "precondition-failed" },
          { operation: "increment", batchSize: 1, code: undefined },
          { operation: "increment", batchSize: 1, code: "invalid-argument" },
          { operation: "compareAndSwap", batchSize: 1, code: undefined },
          { operation: "existsMany", batchSize: 3, code: undefined },
          { operation: "ttlMany", batchSize: 2, code: undefined },
          { operation: "clear", batchSize: calls.at(-1)?.batchSize, code: undefined },
        ],
      );
      assert.deepEqual(calls[1]?.outcomes, { applied: 0, "not-applied": 1, unknown: 0 });
      const sent = new Set(attempts.map(({ operation }) => operation));
      for (const operation of ["setIfAbsent", "increment", "compareAndSwap", "ttl", "list", "delete"])
        assert.ok(sent.has(operation), `an attempt of ${operation} must publish an event`);
    },
  },
  {
    id: "same-no-warnings",
    rule: "same",
    subject: "driver",
    alone: true,
    title: "many concurrent calls that share a signal cause no warning of the process",
    async run(context) {
      const warnings: Error[] = [];
      const note = (warning: Error): void => void warnings.push(warning);
      const bucket = await context.bucket();
      await bucket.get("first");
      process.on("warning", note);
      try {
        const { signal } = new AbortController();
        const keys = Array.from({ length: 100 }, (_, index) => `k${index}`);
        await Promise.all(keys.map((key) => bucket.set(key, bytes(key), { signal })));
        await Promise.all(keys.map((key) => bucket.get(key, { signal })));
        await Promise.all(keys.map((key) => bucket.delete(key, { signal })));
        await new Promise(setImmediate);
      } finally {
        process.off("warning", note);
      }
      assert.deepEqual(warnings.map(String), []);
    },
  },
  {
    id: "same-steady-refusals",
    rule: "same",
    subject: "driver",
    title:
      "if the server refuses what the store asks for, every call fails at its first attempt and with the same code",
    async run(context) {
      const { refusals = [] } = context.harness;
      if (refusals.length === 0) context.skip("the harness has no `refusals`");
      for (const { what, code, driver } of refusals) {
        const { requests, wrap } = recordRequests();
        const tracked = context.track(await driver());
        const bucket = await context.storeOf(wrap(tracked)).open(context.bucketName());
        for (const [name, call] of everyCall(bucket, await abilitiesOf(context))) {
          requests.length = 0;
          const error = await rejectsWith(call(), code, `${name} with ${what}`);
          assert.equal(error.retryable, false, `${name} with ${what} must not be retryable`);
          assert.equal(requests.length, 1, `${name} with ${what} must not be retried`);
          if (!/^(set|delete|increment|compareAndSwap)/.test(name)) continue;
          assert.ok(BatchError.is(error), `${name} with ${what} must reject with a BatchError`);
          assertNothingApplied(error, 1);
        }
      }
    },
  },
  {
    id: "same-network-unreachable",
    rule: "same",
    subject: "network",
    title: "if no server listens, every call rejects with `unavailable` and ECONNREFUSED, even after many retries",
    async run(context) {
      await (await networkClients(context)).close();
      const store = await unreachableStore(context);
      const bucket = await store.open(context.bucketName());
      const calls = [...everyCall(bucket, await abilitiesOf(context), 1_500)];
      if ((await context.driver()).describe !== undefined)
        calls.push(["describe", () => store.describe({ timeout: 1_500 })]);
      await Promise.all(
        calls.map(async ([name, call]) => {
          const error = await rejectsWith(call(), "unavailable", name);
          assert.equal(error.retryable, true, `${name} must be retryable`);
          assert.equal(error.reason, "ECONNREFUSED", `the reason of ${name}`);
        }),
      );
      assertNothingApplied(await batchErrorOf(bucket.set("a", bytes("v"), { timeout: 300 })), 1);
      const hasty = await unreachableStore(context, { retry: { attempts: 2, baseDelay: 1 } });
      await rejectsWith(hasty.provision(), "unavailable", "provision");
    },
  },
  {
    id: "same-network-unknown-host",
    rule: "same",
    subject: "network",
    title: "if the host name of the server does not exist, every call rejects with `unavailable`",
    async run(context) {
      await (await networkClients(context)).close();
      const options = { retry: { attempts: 2, baseDelay: 1 } };
      const route = () => ({ host: "no-such-host.invalid", port: 1 });
      const bucket = await context.bucket({ route, store: options });
      for (const [name, call] of everyCall(bucket, await abilitiesOf(context)))
        await rejectsWith(call(), "unavailable", name);
    },
  },
];

/** Returns a store whose server does not listen. */
async function unreachableStore(context: CaseContext, store: StoreOptions = {}): Promise<Store> {
  // Port 1 is reserved, and no program listens on it.
  return context.store({ route: () => ({ host: "127.0.0.1", port: 1 }), store });
}

type NamedCall = readonly [name: string, call: () => Promise<unknown>];

/** Returns a call of each method of a bucket that the backend supports. Each call sends one request. */
function everyCall(bucket: Bucket, abilities: Abilities, timeout = 10_000): readonly NamedCall[] {
  const change = { expected: undefined, value: bytes("v") };
  const optional: readonly (readonly [isSupported: boolean, ...NamedCall])[] = [
    [abilities.ttl, "set with `ttl`", () => bucket.set("a", bytes("v"), { ttl: 60_000, timeout })],
    [abilities.ttl, "ttlMany", () => bucket.ttlMany(["a"], { timeout })],
    [abilities.ifAbsent, "set with `ifAbsent`", () => bucket.set("a", bytes("v"), { ifAbsent: true, timeout })],
    [abilities.increment, "increment", () => bucket.increment("a", 1, { timeout })],
    [abilities.compareAndSwap, "compareAndSwap", () => bucket.compareAndSwap("a", change, { timeout })],
  ];
  return [
    ...optional.flatMap(([isSupported, name, call]): NamedCall[] => (isSupported ? [[name, call]] : [])),
    ["getMap", () => bucket.getMap(["a"], { timeout })],
    ["existsMany", () => bucket.existsMany(["a"], { timeout })],
    ["clear", () => bucket.clear({ timeout })],
    ["get", () => bucket.get("a", { timeout })],
    ["getMany", () => bucket.getMany(["a"], { timeout })],
    ["exists", () => bucket.exists("a", { timeout })],
    ["listKeys", () => bucket.listKeys({ timeout })],
    ["set", () => bucket.set("a", bytes("v"), { timeout })],
    ["setMany", () => bucket.setMany([["a", bytes("v")]], { timeout })],
    ["delete", () => bucket.delete("a", { timeout })],
    ["deleteMany", () => bucket.deleteMany(["a"], { timeout })],
  ];
}

/** Calls with wrong arguments. */
function wrongCalls(store: Store, bucket: Bucket): readonly NamedCall[] {
  const bad = Symbol("bad") as never;
  return [
    ["open", () => store.open(bad, bad)],
    ["describe", () => store.describe(bad)],
    ["get", () => bucket.get(bad, bad)],
    ["exists", () => bucket.exists(bad, bad)],
    ["set", () => bucket.set(bad, bad, bad)],
    ["delete", () => bucket.delete(bad, bad)],
    ["getMany", () => bucket.getMany(bad, bad)],
    ["setMany", () => bucket.setMany(bad, bad)],
    ["deleteMany", () => bucket.deleteMany(bad, bad)],
    ["listKeys", () => bucket.listKeys(bad)],
    ["keys", () => bucket.keys(bad)[Symbol.asyncIterator]().next()],
    ["getMap", () => bucket.getMap(bad, bad)],
    ["existsMany", () => bucket.existsMany(bad, bad)],
    ["ttlMany", () => bucket.ttlMany(bad, bad)],
    ["clear", () => bucket.clear(bad)],
    ["increment", () => bucket.increment(bad, bad, bad)],
    ["compareAndSwap", () => bucket.compareAndSwap(bad, bad, bad)],
    ["buckets", () => store.buckets(bad)[Symbol.asyncIterator]().next()],
    ["sweep", () => store.sweep(bad)],
  ];
}
