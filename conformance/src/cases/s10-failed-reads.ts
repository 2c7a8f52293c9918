import assert from "node:assert/strict";
import type { Bucket } from "@manykv/core";
import type { CaseContext } from "../case-context.js";
import type { ConformanceCase } from "../conformance-case.js";
import type { CallFault, FaultSchedule } from "../faults/call-fault.js";
import { refused, throttled, unavailable } from "../faults/engine-faults.js";
import { faultDriver } from "../faults/fault-driver.js";
import { wrapDriver } from "../faults/wrap-driver.js";
import { bytes, sameBytes } from "../support/bytes.js";
import { quickRetry } from "../support/faulty-write.js";
import { listed } from "../support/listed.js";
import { type Recording, recordRequests } from "../support/recording-driver.js";
import { rejectsWith } from "../support/rejections.js";

const there = ["a", "b", "c", "d"];

/** Cases for rule S10: a key that cannot be read is never reported as missing. */
export const failedReadCases: readonly ConformanceCase[] = [
  {
    id: "s10-refused-key",
    rule: "S10",
    subject: "core",
    wit: ["get-many 5"],
    title: "getMany rejects with the fault's code if the engine refuses one key",
    async run(context) {
      const { bucket } = await faultyReader(context, onKey("c", { kind: "fail", fault: refused }));
      const error = await rejectsWith(bucket.getMany(there), "access-denied");
      assert.equal(error.tag, "access-denied");
      assert.equal(error.retryable, false);
      assert.equal((await bucket.getMany(["a", "b"])).length, 2, "getMany must still return the other keys");
    },
  },
  {
    id: "s10-unprocessed-keys",
    rule: "S10",
    subject: "core",
    wit: ["get-many 3"],
    title: "getMany sends only unprocessed keys again",
    async run(context) {
      const { bucket, requests } = await faultyReader(context, ({ call }) => ({
        kind: "keys",
        of: (key) => (call < 3 && key >= "c" ? { kind: "unprocessed" } : undefined),
      }));
      const answers = await bucket.getMany([...there, "missing"]);
      assert.deepEqual(
        answers.map((answer) => answer?.[0]),
        [...there, undefined],
      );
      assert.deepEqual(
        requests.map(({ keys }) => keys),
        [
          [...there, "missing"],
          ["c", "d", "missing"],
          ["c", "d", "missing"],
          ["c", "d", "missing"],
        ],
      );
    },
  },
  {
    id: "s10-unprocessed-for-ever",
    rule: "S10",
    subject: "core",
    wit: ["get-many 5"],
    title: "if keys stay unprocessed, getMany rejects with `throttled` after a bounded number of requests",
    async run(context) {
      const { bucket, requests } = await faultyReader(context, onKey("d", { kind: "unprocessed" }));
      const error = await rejectsWith(bucket.getMany(there), "throttled");
      assert.equal(error.retryable, true);
      assert.ok(
        requests.length <= quickRetry.attempts + 1,
        `core must send at most ${quickRetry.attempts + 1} requests, but sent ${requests.length}`,
      );
    },
  },
  {
    id: "s10-failed-request",
    rule: "S10",
    subject: "core",
    wit: ["get-many 5"],
    title: "getMany rejects if one of its requests fails permanently",
    async run(context) {
      const schedule: FaultSchedule = ({ keys }) =>
        keys.includes("d") ? { kind: "reject", fault: refused } : undefined;
      const { bucket } = await faultyReader(context, schedule, { maxKeys: 1 });
      await rejectsWith(bucket.getMany(there), "access-denied");
      assert.deepEqual((await bucket.getMany(["a", "missing"])).length, 2);
    },
  },
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
    id: "s10-failed-for-a-while",
    rule: "S10",
    subject: "core",
    title: "getMany retries requests that fail temporarily and returns every key",
    async run(context) {
      const faults: readonly (CallFault | undefined)[] = [
        { kind: "reject", fault: unavailable },
        { kind: "reject", fault: throttled },
      ];
      const { bucket } = await faultyReader(context, ({ call }) => faults[call]);
      for (const answer of await bucket.getMany(there)) sameBytes(answer?.[1], bytes(`of ${answer?.[0]}`));
    },
  },
  {
    id: "s10-get",
    rule: "S10",
    subject: "core",
    title: "get rejects if the key cannot be read",
    async run(context) {
      const { bucket } = await faultyReader(context, onKey("a", { kind: "fail", fault: refused }));
      await rejectsWith(bucket.get("a"), "access-denied");
      assert.equal(await bucket.get("missing"), undefined);
    },
  },
  {
    id: "s10-exists",
    rule: "S10",
    subject: "core",
    title: "exists rejects if the key cannot be read",
    async run(context) {
      const { bucket } = await faultyReader(context, () => ({ kind: "reject", fault: refused }));
      await rejectsWith(bucket.exists("a"), "access-denied");
      await rejectsWith(bucket.exists("missing"), "access-denied");
    },
  },
  {
    id: "s10-list-keys",
    rule: "S10",
    subject: "core",
    title: "listKeys and keys() reject if a page cannot be read",
    async run(context) {
      const { bucket } = await faultyReader(context, () => ({ kind: "reject", fault: refused }));
      await rejectsWith(bucket.listKeys(), "access-denied");
      const iterate = async (): Promise<void> => {
        for await (const _ of bucket.keys()) assert.fail("keys() must reject before it yields a key");
      };
      await rejectsWith(iterate(), "access-denied");
    },
  },
  {
    id: "s10-list-keys-repeated",
    rule: "S10",
    subject: "core",
    title: "listKeys retries a page that fails temporarily",
    async run(context) {
      const { bucket } = await faultyReader(context, ({ call }) =>
        call < 2 ? { kind: "reject", fault: unavailable } : undefined,
      );
      assert.deepEqual(await listed(bucket), there);
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

function onKey(faulty: string, fault: ReturnType<Extract<CallFault, { kind: "keys" }>["of"]>): FaultSchedule {
  return () => ({ kind: "keys", of: (key) => (key === faulty ? fault : undefined) });
}
