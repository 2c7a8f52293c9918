import assert from "node:assert/strict";
import type { ConformanceCase } from "../conformance-case.js";
import { faultDriver } from "../faults/fault-driver.js";
import { bytes } from "../support/bytes.js";
import { recordRequests } from "../support/recording-driver.js";
import { assertNothingApplied, batchErrorOf, rejectsWith } from "../support/rejections.js";

/** Cases for rule S12: the option `storeConcurrency`. */
export const storeConcurrencyCases: readonly ConformanceCase[] = [
  {
    id: "s12-store-concurrency",
    rule: "S12",
    subject: "core",
    title:
      "with `storeConcurrency: 2`, all calls of a store together have at most 2 requests in flight, and all succeed",
    async run(context) {
      const recording = recordRequests();
      const store = await context.store({
        wrap: (driver) => recording.wrap(faultDriver(driver, () => ({ kind: "delay", milliseconds: 2 }))),
        store: { storeConcurrency: 2, requestLimits: { maxKeys: 2 }, concurrency: 4 },
      });
      const buckets = await Promise.all(["a", "b", "c"].map((end) => store.open(context.bucketName(end))));
      const keys = Array.from({ length: 12 }, (_, index) => `k${index}`);
      await Promise.all(buckets.map((bucket) => bucket.setMany(keys.map((key) => [key, bytes(key)]))));
      await Promise.all(buckets.flatMap((bucket) => [bucket.getMany(keys), bucket.get("k0"), bucket.listKeys()]));
      assert.equal(recording.mostInFlight, 2);
    },
  },
  {
    id: "s12-store-concurrency-deadline",
    rule: "S12",
    subject: "core",
    title:
      "a call that waits because of `storeConcurrency` settles by its deadline or when it is cancelled, and sends nothing",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({
        wrap: (driver) =>
          wrap(faultDriver(driver, ({ keys }) => (keys.includes("slow") ? { kind: "drop-request" } : undefined))),
        store: { storeConcurrency: 1 },
      });
      const stop = new AbortController();
      const slow = rejectsWith(bucket.getMany(["slow"], { signal: stop.signal }), "aborted");
      const signal = AbortSignal.timeout(50);
      await Promise.all([
        rejectsWith(bucket.getMany(["a"], { timeout: 100 }), "timeout"),
        rejectsWith(bucket.getMany(["b"], { signal }), "aborted"),
        batchErrorOf(bucket.setMany([["c", bytes("v")]], { timeout: 100 }), "timeout").then((error) => {
          assertNothingApplied(error, 1);
        }),
      ]);
      assert.deepEqual(
        requests.map(({ keys }) => keys),
        [["slow"]],
      );
      stop.abort();
      await slow;
      assert.equal(await bucket.get("d"), undefined);
    },
  },
];
