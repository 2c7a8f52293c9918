import assert from "node:assert/strict";
import type { Driver, Fault } from "@manykv/core/driver";
import type { ConformanceCase } from "../conformance-case.js";
import { refused } from "../faults/engine-faults.js";
import { faultDriver } from "../faults/fault-driver.js";
import { wrapDriver } from "../faults/wrap-driver.js";
import { bytes } from "../support/bytes.js";
import { quickRetry } from "../support/faulty-write.js";
import { assertNoLeak, canary } from "../support/no-leak.js";
import { rejectionOf } from "../support/rejections.js";
import { leavesNoneUnhandled } from "../support/unhandled-rejections.js";

/**
 * Cases that check that errors contain no key, value or error text of the engine, that methods reject and never throw,
 * and that no rejection stays unhandled.
 */
export const errorLeakCases: readonly ConformanceCase[] = [
  {
    id: "errors-no-leak-of-bad-input",
    rule: "errors",
    subject: "core",
    title: "errors about rejected input contain no key and no value",
    async run(context) {
      const bucket = await context.bucket({ store: { limits: { maxValueBytes: 8, maxKeyBytes: 64 } } });
      const good = bytes("v");
      const calls: (() => Promise<unknown>)[] = [
        () => bucket.get(`${canary}\ud800`),
        () => bucket.get(canary.repeat(10)),
        () => bucket.set(`${canary}\ud800`, good),
        () => bucket.set("key", bytes(canary)),
        () => bucket.set("key", canary as unknown as Uint8Array),
        () => bucket.set("key", { canary } as unknown as Uint8Array),
        () => bucket.setMany([[`${canary}\ud800`, good]]),
        () => bucket.setMany([[canary, bytes(canary)]]),
        () => bucket.setMany(canary as unknown as []),
        () => bucket.getMany([{ canary } as unknown as string]),
        () => bucket.getMany(canary as unknown as string[]),
        () => bucket.deleteMany(throwing()),
        () => bucket.listKeys({ canary } as never),
        () => bucket.listKeys({ prefix: `${canary}\ud800` }),
        () => bucket.clear({ prefix: canary.repeat(1_000) }),
        () => bucket.set("key", good, { ttl: canary as unknown as number }),
        () => bucket.setMany([["key", good, { ttl: canary as unknown as number }]]),
        () => bucket.increment(`${canary}\ud800`),
        () => bucket.increment("key", canary as unknown as number),
        () => bucket.compareAndSwap("key", { expected: bytes(canary), value: good }),
        () => bucket.compareAndSwap("key", { expected: canary as never, value: good }),
        () => bucket.get("key", { timeout: canary as unknown as number }),
        () => bucket.get("key", { signal: canary as unknown as AbortSignal }),
        () => bucket.get("key", { signal: AbortSignal.abort(new Error(canary)) }),
      ];
      for (const [index, call] of calls.entries())
        assertNoLeak(await rejectionOf(call(), `call ${index}`), `call ${index}`);
    },
  },
  {
    id: "errors-odd-throws",
    rule: "errors",
    subject: "core",
    title:
      "if a driver throws synchronously, or throws something other than an Error, the call rejects with a StoreError",
    async run(context) {
      for (const thrown of [undefined, null, "text", 5, {}, Symbol("x"), Object.create(null)]) {
        const failing = (): never => {
          throw thrown;
        };
        const wrap = (driver: Driver): Driver => wrapDriver(driver, { get: failing, set: failing, list: failing });
        const bucket = await context.bucket({ wrap, store: { retry: quickRetry } });
        await rejectionOf(bucket.get("a"), `get on a driver that throws ${String(typeof thrown)}`);
        await rejectionOf(bucket.setMany([["a", bytes("v")]]), "setMany");
        await rejectionOf(bucket.listKeys(), "listKeys");
      }
    },
  },
  {
    id: "errors-classify-that-throws",
    rule: "errors",
    subject: "core",
    title: "if classify throws, the error's code is `internal` and the outcome of a write is `unknown`",
    async run(context) {
      const failing = async (): Promise<never> => {
        throw new Error(canary);
      };
      const classify = (): Fault => {
        throw new Error(canary);
      };
      const bucket = await context.bucket({
        wrap: (driver) => wrapDriver(driver, { get: failing, set: failing, classify }),
      });
      assert.equal((await rejectionOf(bucket.get("a"))).code, "internal");
      const error = await rejectionOf(bucket.set("a", bytes("v")));
      assert.equal(error.code, "internal");
      assert.equal((error as unknown as { outcomeOf(index: number): string }).outcomeOf(0), "unknown");
      assertNoLeak(error, "an error that could not be classified");
    },
  },
  {
    id: "errors-nothing-is-thrown-at-once",
    rule: "errors",
    subject: "core",
    title: "methods never throw: for invalid input, they return a promise that rejects",
    async run(context) {
      const bucket = (await context.bucket()) as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>;
      const reads = ["get", "exists", "getMany", "getMap", "existsMany", "ttlMany"];
      const methods = [...reads, "set", "delete", "setMany", "deleteMany", "increment", "compareAndSwap"];
      for (const method of methods)
        for (const given of [[], [undefined], [null, null, null], [Symbol("x")], [5, 5, 5]]) {
          const call = bucket[method]?.(...given);
          assert.ok(call instanceof Promise, `${method} must return a promise`);
          await rejectionOf(call, method);
        }
    },
  },
  {
    id: "errors-none-unhandled",
    rule: "errors",
    subject: "core",
    alone: true,
    title: "a call that fails in several requests at once causes no unhandled rejection",
    async run(context) {
      await leavesNoneUnhandled(async () => {
        const bucket = await context.bucket({
          store: { requestLimits: { maxKeys: 1 }, retry: quickRetry },
          wrap: (driver) =>
            faultDriver(driver, ({ call }) =>
              call % 2 ? { kind: "reject", fault: refused } : { kind: "late-answer", milliseconds: 10 },
            ),
        });
        const keys = ["a", "b", "c", "d", "e", "f"];
        await rejectionOf(bucket.getMany(keys));
        await rejectionOf(bucket.setMany(keys.map((key) => [key, bytes("v")])));
        await rejectionOf(bucket.deleteMany(keys));
      });
    },
  },
];

function* throwing(): Generator<string> {
  yield "a";
  throw new Error(canary);
}
