import assert from "node:assert/strict";
import type { BatchError, Bucket, SwapResult } from "@manykv/core";
import type { CaseContext } from "../case-context.js";
import type { ConformanceCase } from "../conformance-case.js";
import type { FaultSchedule } from "../faults/call-fault.js";
import { answerLost, refused, throttled, timeOver, unavailable } from "../faults/engine-faults.js";
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
const fails = (): Promise<void> => Promise.reject(new Error("the fence fails"));

/** Cases for rule S21: `compareAndSwap` when requests fail. */
export const lostSwapCases: readonly ConformanceCase[] = [
  {
    id: "s21-lost-request",
    rule: "S21",
    subject: "core",
    needs: ["compareAndSwap"],
    title: "a swap whose request is lost is sent again after its fence has succeeded, and then swaps",
    async run(context) {
      const { call, requests, direct } = await swap(context, firstRequest({ ...answerLost, fence: settles }));
      assert.deepEqual(await call, swapped);
      assert.equal(requests.length, 2);
      sameBytes(await direct.get("key"), bytes("new"));
    },
  },
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
    id: "s21-lost-without-fence",
    rule: "S21",
    subject: "core",
    needs: ["compareAndSwap"],
    title: "a lost swap without a fence, or whose fence fails, is `unknown`, unsettled and not sent again",
    async run(context) {
      for (const fence of [undefined, fails]) {
        for (const applied of [true, false]) {
          const { call, requests, direct } = await swap(context, () => ({
            kind: "reject",
            fault: { ...answerLost, fence },
            applied,
          }));
          const error = await batchErrorOf(call, "connection-lost");
          assertOutcomes(error, ["unknown"]);
          assert.deepEqual(unsettledOf(error), [true]);
          assert.equal(requests.length, 1);
          sameBytes(await direct.get("key"), bytes(applied ? "new" : "old"));
        }
      }
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
    id: "s21-retries-exhausted",
    rule: "S21",
    subject: "core",
    needs: ["compareAndSwap"],
    title: "a swap that never has an effect is `not-applied`, and one that is lost every time is `unknown`",
    async run(context) {
      const busy = await swap(context, () => ({ kind: "reject", fault: throttled }));
      const error = await batchErrorOf(busy.call, "throttled");
      assertNothingApplied(error, 1);
      assert.equal(error.retryable, true);
      assert.equal(busy.requests.length, quickRetry.attempts);
      const lost = await swap(context, () => ({ kind: "reject", fault: { ...answerLost, fence: settles } }));
      assertOutcomes(await batchErrorOf(lost.call, "connection-lost"), ["unknown"]);
      assert.equal(lost.requests.length, quickRetry.attempts);
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
    id: "s21-silent-engine",
    rule: "S21",
    subject: "core",
    needs: ["compareAndSwap"],
    title: "a swap without a response settles by its deadline and is `unknown`",
    async run(context) {
      for (const kind of ["hang", "drop-request"] as const) {
        const { call } = await swap(context, () => ({ kind }), { timeout: 300 });
        assertOutcomes(await batchErrorOf(call, "timeout"), ["unknown"]);
      }
      const { call } = await swap(context, () => ({ kind: "reject", fault: timeOver }));
      assertOutcomes(await batchErrorOf(call, "timeout"), ["unknown"]);
    },
  },
  {
    id: "s21-cancelled",
    rule: "S21",
    subject: "core",
    needs: ["compareAndSwap"],
    title: "a swap that is cancelled after it was sent is `unknown`, and one that is cancelled before `not-applied`",
    async run(context) {
      const controller = new AbortController();
      const schedule: FaultSchedule = () => {
        setTimeout(() => controller.abort(), 20);
        return { kind: "hang" };
      };
      const sent = await swap(context, schedule, { signal: controller.signal, timeout: Infinity });
      const error = await batchErrorOf(sent.call, "aborted");
      assertOutcomes(error, ["unknown"]);
      assert.equal(error.retryable, false);
      for (const [options, code] of [
        [{ signal: AbortSignal.abort() }, "aborted"],
        [{ timeout: 0 }, "timeout"],
      ] as const) {
        const unsent = await swap(context, () => undefined, options);
        assertNothingApplied(await batchErrorOf(unsent.call, code), 1);
        assert.equal(unsent.requests.length, 0);
      }
    },
  },
  {
    id: "s21-late-swap-is-fenced",
    rule: "S21",
    subject: "core",
    needs: ["compareAndSwap"],
    title: "with a fence, a lost swap never takes effect after the call has settled",
    async run(context) {
      const { call, direct } = await swap(context, (request) =>
        request.call === 0 ? { kind: "late-apply", milliseconds: 60 } : undefined,
      );
      assert.deepEqual(await call, swapped);
      await direct.set("key", bytes("old"));
      await new Promise((resolve) => setTimeout(resolve, 120));
      sameBytes(await direct.get("key"), bytes("old"));
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
