import assert from "node:assert/strict";
import { BatchError, StoreError, type StoreErrorCode } from "@manykv/core";
import type { Fault } from "@manykv/core/driver";
import type { ConformanceCase } from "../conformance-case.js";
import { refused } from "../faults/engine-faults.js";
import { faultDriver } from "../faults/fault-driver.js";
import { bytes } from "../support/bytes.js";
import { faultyWrite } from "../support/faulty-write.js";
import { recordRequests } from "../support/recording-driver.js";
import { batchErrorOf, rejectionOf, rejectsWith } from "../support/rejections.js";

const engineCodes: readonly (readonly [code: StoreErrorCode, tag: string])[] = [
  ["throttled", "other"],
  ["timeout", "other"],
  ["connection-lost", "other"],
  ["unavailable", "other"],
  ["no-such-store", "no-such-store"],
  ["access-denied", "access-denied"],
  ["internal", "other"],
  ["invalid-argument", "other"],
  ["too-large", "other"],
];

/** Cases for the classes, fields and methods of errors, and for the rejection of unknown options. */
export const errorClassCases: readonly ConformanceCase[] = [
  {
    id: "errors-code-and-tag",
    rule: "errors",
    subject: "core",
    title: "the driver's fault determines `code`, `tag` and `retryable` of the error, for reads and writes",
    async run(context) {
      for (const [code, tag] of engineCodes) {
        const fault = { code, retryable: false, effect: "none" } as const;
        const bucket = await context.bucket({
          wrap: (driver) => faultDriver(driver, () => ({ kind: "reject", fault })),
        });
        const calls = [bucket.get("a"), bucket.getMany(["a"]), bucket.set("a", bytes("v")), bucket.deleteMany(["a"])];
        for (const call of calls) call.catch(() => {});
        for (const call of calls) {
          const error = await rejectsWith(call, code);
          assert.equal(error.tag, tag);
          assert.equal(error.retryable, false);
        }
      }
    },
  },
  {
    id: "errors-reason",
    rule: "errors",
    subject: "core",
    title: "an error's `reason` is the engine's own code, and is absent if the engine reports no code",
    async run(context) {
      for (const reason of ["42P01", undefined]) {
        const fault: Fault = { code: "access-denied", retryable: false, effect: "none", reason };
        const bucket = await context.bucket({
          wrap: (driver) => faultDriver(driver, () => ({ kind: "reject", fault })),
        });
        const errors = [
          await rejectionOf(bucket.get("a")),
          await rejectionOf(bucket.listKeys()),
          await rejectionOf(bucket.setMany([["a", bytes("v")]])),
        ];
        for (const error of errors) {
          assert.equal(error.reason, reason);
          assert.equal("reason" in error.toJSON(), reason !== undefined);
        }
        const [failure] = (await batchErrorOf(bucket.deleteMany(["a"]))).failures();
        assert.equal(failure?.reason, reason);
      }
    },
  },
  {
    id: "errors-unknown-options",
    rule: "errors",
    subject: "core",
    title:
      "all methods of a bucket, and `open`, reject an unknown option with a message that names it, and send nothing",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const store = await context.store({ wrap });
      const bucket = await store.open(context.bucketName());
      const options = { timout: 100 } as object;
      const calls: Readonly<Record<string, () => Promise<unknown>>> = {
        get: () => bucket.get("a", options),
        set: () => bucket.set("a", bytes("v"), options),
        delete: () => bucket.delete("a", options),
        exists: () => bucket.exists("a", options),
        getMany: () => bucket.getMany(["a"], options),
        setMany: () => bucket.setMany([["a", bytes("v")]], options),
        deleteMany: () => bucket.deleteMany(["a"], options),
        listKeys: () => bucket.listKeys(options),
        keys: () => bucket.keys(options)[Symbol.asyncIterator]().next(),
        open: () => store.open(context.bucketName(), options),
      };
      for (const [name, call] of Object.entries(calls)) {
        const error = await rejectsWith(call(), "invalid-argument", name);
        assert.match(error.message, /timout/, `${name}: the message must name the option`);
      }
      assert.equal(requests.length, 0, "the driver must receive no request");
    },
  },
  {
    id: "errors-store-error",
    rule: "errors",
    subject: "core",
    title: "StoreError.is recognizes StoreErrors, including those of another copy of the package",
    async run(context) {
      const error = await rejectsWith((await context.bucket()).get("\ud800"), "invalid-argument");
      assert.ok(error instanceof Error && error instanceof StoreError);
      assert.equal(error.name, "StoreError");
      assert.ok(StoreError.is(error));
      for (const other of [new Error("x"), { code: "closed" }, null, undefined, "closed", 5])
        assert.equal(StoreError.is(other), false);
      const ofAnotherCopy = Object.assign(new Error("x"), { code: "closed" });
      for (const symbol of Object.getOwnPropertySymbols(error))
        Object.defineProperty(ofAnotherCopy, symbol, { value: true });
      assert.ok(StoreError.is(ofAnotherCopy), "StoreError.is must accept a StoreError of another copy of the package");
    },
  },
  {
    id: "errors-batch-error",
    rule: "errors",
    subject: "core",
    title: "writes reject with a BatchError, and reads with a plain StoreError",
    async run(context) {
      const bucket = await context.bucket();
      const error = await batchErrorOf(bucket.deleteMany(["\ud800"]));
      assert.ok(error instanceof BatchError && error instanceof StoreError);
      assert.equal(error.name, "BatchError");
      assert.equal(BatchError.is(await rejectionOf(bucket.get("\ud800"))), false);
    },
  },
  {
    id: "errors-to-json",
    rule: "errors",
    subject: "core",
    title:
      "an error's JSON contains name, tag, code, retryable and message, and a BatchError's JSON also contains counts",
    async run(context) {
      const bucket = await context.bucket();
      const read = JSON.parse(JSON.stringify(await rejectionOf(bucket.get("\ud800")))) as Record<string, unknown>;
      assert.deepEqual(Object.keys(read).sort(), ["code", "message", "name", "retryable", "tag"]);
      const write = JSON.parse(JSON.stringify(await rejectionOf(bucket.deleteMany(["\ud800", "a"])))) as {
        counts: unknown;
      };
      assert.deepEqual(write.counts, { applied: 0, "not-applied": 2, unknown: 0 });
    },
  },
  {
    id: "errors-outcome-of",
    rule: "errors",
    subject: "core",
    title: "outcomeOf accepts the indexes of the caller's input and throws a RangeError for any other argument",
    async run(context) {
      const error = await batchErrorOf((await context.bucket()).deleteMany(["a", "\ud800", "a"]));
      for (const index of [0, 1, 2]) assert.equal(error.outcomeOf(index), "not-applied");
      for (const index of [-1, 3, 0.5, Number.NaN, "0", undefined])
        assert.throws(
          () => error.outcomeOf(index as number),
          RangeError,
          `outcomeOf(${String(index)}) must throw a RangeError`,
        );
    },
  },
  {
    id: "errors-failures",
    rule: "errors",
    subject: "core",
    title:
      "each call of failures() yields the entries that are not `applied`, in the order of their index, with code and reason",
    async run(context) {
      const { error } = await faultyWrite(context, {
        kind: "set",
        keys: 10,
        schedule: () => ({
          kind: "keys",
          of: (key) => (Number(key.slice(1)) % 3 ? undefined : { kind: "fail", fault: refused }),
        }),
      });
      const expected = [0, 3, 6, 9].map((index) => ({
        index,
        outcome: "not-applied",
        code: "access-denied",
        reason: "INJECTED",
      }));
      assert.deepEqual([...(error?.failures() ?? [])], expected);
      assert.deepEqual([...(error?.failures() ?? [])], expected);
      assert.deepEqual(error?.counts, { applied: 6, "not-applied": 4, unknown: 0 });
    },
  },
  {
    id: "errors-duplicates-share-an-outcome",
    rule: "errors",
    subject: "core",
    title: "all entries with the same key have the same outcome",
    async run(context) {
      const bucket = await context.bucket({
        wrap: (driver) =>
          faultDriver(driver, () => ({
            kind: "keys",
            of: (key) => (key === "twice" ? { kind: "fail", fault: refused } : undefined),
          })),
      });
      const entries = ["twice", "once", "twice", "also once", "twice"];
      const calls = [bucket.setMany(entries.map((key) => [key, bytes("v")])), bucket.deleteMany(entries)];
      for (const call of calls) call.catch(() => {});
      for (const call of calls) {
        const error = await batchErrorOf(call, "access-denied");
        assert.deepEqual(
          entries.map((_, index) => error.outcomeOf(index)),
          ["not-applied", "applied", "not-applied", "applied", "not-applied"],
        );
        assert.deepEqual(error.counts, { applied: 2, "not-applied": 3, unknown: 0 });
      }
    },
  },
];
