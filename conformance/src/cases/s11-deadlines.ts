import assert from "node:assert/strict";
import type { Bucket, CallOptions, StoreOptions } from "@manykv/core";
import type { CaseContext } from "../case-context.js";
import type { ConformanceCase } from "../conformance-case.js";
import type { FaultSchedule } from "../faults/call-fault.js";
import { throttled } from "../faults/engine-faults.js";
import { faultDriver } from "../faults/fault-driver.js";
import { bytes, sameBytes } from "../support/bytes.js";
import { faultyWrite, writeKinds } from "../support/faulty-write.js";
import { listed } from "../support/listed.js";
import { recordRequests } from "../support/recording-driver.js";
import { assertNothingApplied, batchErrorOf, rejectsWith } from "../support/rejections.js";
import { settles } from "../support/settles.js";

/** Timeout of calls to an engine that does not respond, in milliseconds. */
const short = 200;
/** Timeout in milliseconds that lets some requests of a call succeed even on a busy machine. */
const patient = 4_000;
/** Time after which a call counts as hanging, in milliseconds. Calls with the timeout `short` settle far earlier. */
const hangs = 8_000;

type Method = readonly [name: string, call: (bucket: Bucket, options: CallOptions) => Promise<unknown>];

const reads: readonly Method[] = [
  ["get", (bucket, options) => bucket.get("k0", options)],
  ["exists", (bucket, options) => bucket.exists("k0", options)],
  ["getMany", (bucket, options) => bucket.getMany(["k0", "k1"], options)],
  ["listKeys", (bucket, options) => bucket.listKeys(options)],
  ["keys", (bucket, options) => bucket.keys(options)[Symbol.asyncIterator]().next()],
];

const writes: readonly Method[] = [
  ["set", (bucket, options) => bucket.set("k0", bytes("v"), options)],
  ["delete", (bucket, options) => bucket.delete("k0", options)],
  ["setMany", (bucket, options) => bucket.setMany([["k0", bytes("v")]], options)],
  ["deleteMany", (bucket, options) => bucket.deleteMany(["k0"], options)],
];

/** Cases for rule S11: every call settles by its deadline. */
export const deadlineCases: readonly ConformanceCase[] = [
  {
    id: "s11-not-sent-by-the-deadline",
    rule: "S11",
    subject: "core",
    alone: true,
    title: "setMany and deleteMany: keys that were not sent by the deadline are `not-applied`",
    async run(context) {
      const schedule: FaultSchedule = ({ keys }) => (keys.includes("k2") ? { kind: "drop-request" } : undefined);
      const retry = { attempts: 1_000, baseDelay: 1, maxDelay: 4 };
      const store = { requestLimits: { maxKeys: 1 }, concurrency: 1, retry };
      await Promise.all(
        writeKinds.map(async (kind) => {
          const write = { kind, keys: 5, schedule, timeout: patient, store };
          const { outcomes, error } = await faultyWrite(context, write);
          assert.equal(error?.code, "timeout");
          assert.deepEqual(outcomes, ["applied", "applied", "unknown", "not-applied", "not-applied"]);
        }),
      );
    },
  },
  {
    id: "s11-silent-request-is-repeated",
    rule: "S11",
    subject: "core",
    alone: true,
    title: "a request without a response is retried before the call's deadline",
    async run(context) {
      const schedule: FaultSchedule = ({ call }) => (call === 0 ? { kind: "drop-answer" } : undefined);
      const { outcomes } = await faultyWrite(context, { kind: "set", keys: 3, schedule, timeout: patient });
      assert.deepEqual(outcomes, ["applied", "applied", "applied"]);
    },
  },
  {
    id: "s11-retries-wait-as-asked",
    rule: "S11",
    subject: "core",
    title: "a retry waits at least as long as the engine asks, but not longer than the call's deadline",
    async run(context) {
      const asked = 100;
      const times: number[] = [];
      const schedule: FaultSchedule = ({ call }) => {
        times.push(performance.now());
        return call === 0 ? { kind: "reject", fault: { ...throttled, retryAfter: asked } } : undefined;
      };
      const retry = { baseDelay: 0 };
      await (await bucketOf(context, schedule, { retry })).getMany(["a"]);
      const [first = 0, second = 0] = times;
      // Timers may fire up to a millisecond early.
      assert.ok(second - first >= asked - 1, `the retry must wait ${asked} ms, but waited ${second - first} ms`);
      const late: FaultSchedule = () => ({ kind: "reject", fault: { ...throttled, retryAfter: 60_000 } });
      const bucket = await bucketOf(context, late, { retry });
      assert.equal((await settles(bucket.getMany(["a"], { timeout: short }), hangs)).status, "rejected");
    },
  },
  {
    id: "s11-default-timeout-of-the-store",
    rule: "S11",
    subject: "core",
    title: "the store's `timeout` applies to calls that pass no `timeout`",
    async run(context) {
      const schedule: FaultSchedule = ({ keys }) =>
        keys.includes("silent") ? { kind: "hang" } : { kind: "late-answer", milliseconds: 2 * short };
      const bucket = await bucketOf(context, schedule, { timeout: short });
      const silent = bucket.get("silent");
      await settles(silent, hangs, "get");
      await rejectsWith(silent, "timeout", "get");
      assert.equal(await bucket.get("late", { timeout: 30_000 }), undefined);
    },
  },
  {
    id: "s11-timeout-of-zero",
    rule: "S11",
    subject: "core",
    title: "with a timeout of 0, nothing is sent, reads reject with `timeout` and writes are `not-applied`",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap });
      await rejectsWith(bucket.getMany(["a"], { timeout: 0 }), "timeout");
      assertNothingApplied(await batchErrorOf(bucket.setMany([["a", bytes("v")]], { timeout: 0 }), "timeout"), 1);
      assertNothingApplied(await batchErrorOf(bucket.deleteMany(["a", "b"], { timeout: 0 }), "timeout"), 2);
      assert.equal(requests.length, 0);
    },
  },
  {
    id: "s11-timeout-of-infinity",
    rule: "S11",
    subject: "core",
    title: "a timeout of Infinity, or above the maximum of setTimeout, does not end a call early",
    async run(context) {
      const bucket = await bucketOf(context, () => ({ kind: "delay", milliseconds: 20 }));
      for (const timeout of [Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 53, Number.MAX_VALUE]) {
        await bucket.set("a", bytes("v"), { timeout });
        sameBytes(await bucket.get("a", { timeout }), bytes("v"));
        assert.deepEqual(await listed(bucket, { timeout }), ["a"]);
      }
    },
  },
  {
    id: "s11-bad-options",
    rule: "S11",
    subject: "core",
    title: "invalid options, timeouts and signals are rejected before anything is sent",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap });
      const bad: unknown[] = [-1, Number.NaN, Number.NEGATIVE_INFINITY, "100", null, {}, 5n].map((timeout) => ({
        timeout,
      }));
      bad.push({ signal: {} }, { signal: "now" }, { signal: true }, 5, "fast");
      for (const options of bad)
        for (const [name, call] of [...reads, ...writes])
          await rejectsWith(call(bucket, options as CallOptions), "invalid-argument", name);
      assert.equal(requests.length, 0);
    },
  },
];

function bucketOf(context: CaseContext, schedule: FaultSchedule, store: StoreOptions = {}): Promise<Bucket> {
  return context.bucket({ store, wrap: (driver) => faultDriver(driver, schedule) });
}
