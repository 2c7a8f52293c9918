import assert from "node:assert/strict";
import type { Bucket } from "@manykv/core";
import type { CaseContext } from "../case-context.js";
import type { ConformanceCase } from "../conformance-case.js";
import type { FaultSchedule } from "../faults/call-fault.js";
import { refused } from "../faults/engine-faults.js";
import { faultDriver } from "../faults/fault-driver.js";
import { wrapDriver } from "../faults/wrap-driver.js";
import { bytes } from "../support/bytes.js";
import { quickRetry } from "../support/faulty-write.js";
import { type Recording, recordRequests } from "../support/recording-driver.js";
import { rejectsWith } from "../support/rejections.js";

const there = ["a", "b", "c", "d"];

/** Cases for rule S10: a key that cannot be read is never reported as missing. */
export const failedReadCases: readonly ConformanceCase[] = [
  {
    id: "s10-failed-request-ends-the-call",
    rule: "S10",
    subject: "core",
    title: "getMany stops sending requests after one of them has failed permanently",
    async run(context) {
      const { bucket, requests } = await faultyReader(context, () => ({ kind: "reject", fault: refused }), {
        maxKeys: 1,
      });
      const keys = Array.from({ length: 200 }, (_, index) => `key ${index}`);
      await rejectsWith(bucket.getMany(keys), "access-denied");
      assert.ok(
        requests.length < keys.length / 2,
        `core must send fewer than 100 requests, but sent ${requests.length}`,
      );
    },
  },
  {
    id: "s10-answer-too-short",
    rule: "S10",
    subject: "core",
    title: "if a driver returns fewer results than keys, getMany rejects and reports no key as missing",
    async run(context) {
      const name = context.bucketName();
      await (await context.bucket({ name })).set("a", bytes("of a"));
      const bucket = await context.bucket({
        name,
        wrap: (driver) =>
          wrapDriver(driver, {
            get: async (request) => ({ values: (await driver.get(request)).values.slice(0, 1) }),
          }),
      });
      await rejectsWith(bucket.getMany(["a", "b"]), "internal");
    },
  },
];

interface FaultyReader {
  readonly bucket: Bucket;
  readonly requests: Recording["requests"];
}

/**
 * Returns a bucket that contains the keys `a` to `d`, and the requests that core sends. The driver of the bucket
 * injects the faults of `schedule`.
 */
async function faultyReader(
  context: CaseContext,
  schedule: FaultSchedule,
  requestLimits: { maxKeys?: number } = {},
): Promise<FaultyReader> {
  const name = context.bucketName();
  const { requests, wrap } = recordRequests();
  await (await context.bucket({ name })).setMany(there.map((key) => [key, bytes(`of ${key}`)]));
  const bucket = await context.bucket({
    name,
    store: { retry: quickRetry, requestLimits },
    wrap: (driver) => wrap(faultDriver(driver, schedule)),
  });
  return { bucket, requests };
}
