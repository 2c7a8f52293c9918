import assert from "node:assert/strict";
import type { BatchError, Bucket, SwapResult } from "@manykv/core";
import type { CaseContext } from "../case-context.js";
import type { ConformanceCase } from "../conformance-case.js";
import type { FaultSchedule } from "../faults/call-fault.js";
import { answerLost, refused, throttled, unavailable } from "../faults/engine-faults.js";
import { faultDriver } from "../faults/fault-driver.js";
import { seededFaults } from "../faults/seeded-faults.js";
import { bytes, sameBytes } from "../support/bytes.js";
import { quickRetry } from "../support/faulty-write.js";
import { type Recording, recordRequests } from "../support/recording-driver.js";
import { assertNothingApplied, assertOutcomes, batchErrorOf } from "../support/rejections.js";

/** A swap of the key `key` from `old` to `new` through a driver with faults. */
interface FaultySwap {
  readonly call: Promise<SwapResult>;
  readonly requests: Recording["requests"];
  /** The same bucket, opened with a client without faults. */
  readonly direct: Bucket;
}

const swapped: SwapResult = { swapped: true };
const settles = async (): Promise<void> => {};

/** Cases for rule S21: `compareAndSwap` when requests fail. */
export const lostSwapCases: readonly ConformanceCase[] = [
  {
    id: "s21-lost-answer",
    rule: "S21",
    subject: "core",
    needs: ["compareAndSwap"],
    title: "if the response of a swap is lost and its repetition finds another value, the outcome is `unknown`",
    async run(context) {
      const { call, requests, direct } = await swap(context, firstRequest({ ...answerLost, fence: settles }, true));
      const error = await batchErrorOf(call, "connection-lost");
      assertOutcomes(error, ["unknown"]);
      assert.equal(error.retryable, true);
      assert.deepEqual(unsettledOf(error), [undefined]);
      assert.equal(requests.length, 2);
      sameBytes(await direct.get("key"), bytes("new"));
    },
  },
  {
    id: "s21-lost-race-after-lost-answer",
    rule: "S21",
    subject: "core",
    needs: ["compareAndSwap"],
    title:
      "a lost swap without effect that then loses the race is `unknown`, because core cannot tell whether it had an effect",
    async run(context) {
      let direct: Bucket | undefined;
      const fence = async (): Promise<void> => direct?.set("key", bytes("of another client"));
      const made = await swap(context, firstRequest({ ...answerLost, fence }), {
        beforeCall: (bucket) => {
          direct = bucket;
        },
      });
      assertOutcomes(await batchErrorOf(made.call), ["unknown"]);
      sameBytes(await made.direct.get("key"), bytes("of another client"));
    },
  },
  {
    id: "s21-repeated-without-effect",
    rule: "S21",
    subject: "core",
    needs: ["compareAndSwap"],
    title: "a swap that had no effect is sent again, and then swaps or returns the current value",
    async run(context) {
      const schedule: FaultSchedule = ({ call }) => {
        const fault = [throttled, unavailable][call];
        return fault && { kind: "reject", fault };
      };
      const { call, requests } = await swap(context, schedule);
      assert.deepEqual(await call, swapped);
      assert.equal(requests.length, 3);
      const other = await swap(context, schedule, { expected: bytes("other") });
      const result = await other.call;
      assert.ok(!result.swapped, "a lost race is a result");
      sameBytes(result.current, bytes("old"));
    },
  },
  {
    id: "s21-refused",
    rule: "S21",
    subject: "core",
    needs: ["compareAndSwap"],
    title: "a refused swap is `not-applied` and not sent again, and stays `unknown` if it was lost before",
    async run(context) {
      const { call, requests } = await swap(context, () => ({ kind: "reject", fault: refused }));
      const error = await batchErrorOf(call, "access-denied");
      assertNothingApplied(error, 1);
      assert.equal(error.retryable, false);
      assert.equal(requests.length, 1);
      const lost = await swap(context, (request) => ({
        kind: "reject",
        fault: request.call === 0 ? { ...answerLost, fence: settles } : refused,
      }));
      assertOutcomes(await batchErrorOf(lost.call), ["unknown"]);
    },
  },
  {
    id: "s21-random-faults",
    rule: "S21",
    subject: "core",
    needs: ["compareAndSwap"],
    title: "under seeded faults, a swap that is reported as swapped is stored, and one that was not has no effect",
    async run(context) {
      const rounds = Array.from({ length: 25 }, async (_, round) => {
        const seed = context.seed + round;
        const schedule = seededFaults({ seed, rate: 0.7, operations: ["compareAndSwap"], longestDelay: 3 });
        const expected = bytes(round % 5 === 0 ? "other" : "old");
        const { call, direct } = await swap(context, schedule, { timeout: 500, expected });
        const told = await call.then(
          (result) => (result.swapped ? "applied" : "not-applied"),
          (error: BatchError) => error.outcomeOf(0),
        );
        const stored = new TextDecoder().decode(await direct.get("key"));
        if (told !== "unknown") assert.equal(stored, told === "applied" ? "new" : "old", `round ${round}`);
        if (round % 5 === 0) assert.equal(stored, "old", "a swap with another expected value must change nothing");
      });
      await Promise.all(rounds);
    },
  },
];

interface SwapOptions {
  readonly expected?: Uint8Array;
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  readonly beforeCall?: (direct: Bucket) => void;
}

async function swap(context: CaseContext, schedule: FaultSchedule, options: SwapOptions = {}): Promise<FaultySwap> {
  const { expected = bytes("old"), timeout, signal, beforeCall } = options;
  const name = context.bucketName();
  const { requests, wrap } = recordRequests();
  const direct = await context.bucket({ name });
  await direct.set("key", bytes("old"));
  const faulty = await context.bucket({
    name,
    store: { retry: quickRetry },
    wrap: (driver) => wrap(faultDriver(driver, schedule)),
  });
  beforeCall?.(direct);
  const call = faulty.compareAndSwap("key", { expected, value: bytes("new") }, { timeout, signal });
  call.catch(() => {});
  return { call, requests, direct };
}

/** Returns a schedule in which the first request fails with `fault`. */
function firstRequest(fault: typeof answerLost, applied = false): FaultSchedule {
  return ({ call }) => (call === 0 ? { kind: "reject", fault, applied } : undefined);
}

function unsettledOf(error: BatchError): (true | undefined)[] {
  return Array.from(error.failures(), ({ unsettled }) => unsettled);
}
