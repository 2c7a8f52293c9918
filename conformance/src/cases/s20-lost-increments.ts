import assert from "node:assert/strict";
import type { BatchError, Bucket, CallEvent, Outcome, StoreOptions } from "@manykv/core";
import type { CaseContext } from "../case-context.js";
import type { ConformanceCase } from "../conformance-case.js";
import type { FaultSchedule } from "../faults/call-fault.js";
import { answerLost, throttled, unavailable } from "../faults/engine-faults.js";
import { faultDriver } from "../faults/fault-driver.js";
import { seededFaultKinds, seededFaults } from "../faults/seeded-faults.js";
import { bytes, sameBytes } from "../support/bytes.js";
import { quickRetry } from "../support/faulty-write.js";
import { recordEvents } from "../support/record-events.js";
import { type Recording, recordRequests } from "../support/recording-driver.js";
import { assertOutcomes, batchErrorOf } from "../support/rejections.js";

interface FaultyCounter {
  /** A bucket whose driver injects faults. */
  readonly faulty: Bucket;
  /** The same bucket, opened with a client without faults. */
  readonly direct: Bucket;
  readonly requests: Recording["requests"];
}

/** Cases for rule S20: an increment is never repeated if it may have been applied. */
export const lostIncrementCases: readonly ConformanceCase[] = [
  {
    id: "s20-repeated-without-effect",
    rule: "S20",
    subject: "core",
    needs: ["increment"],
    title: "an increment that had no effect is sent again until it is acknowledged, and is counted once",
    async run(context) {
      const faults = [throttled, unavailable];
      const { faulty, direct, requests } = await counter(context, ({ call }) => {
        const fault = faults[call];
        return fault && { kind: "reject", fault };
      });
      assert.equal(await faulty.increment("key", 7), 7n);
      assert.equal(requests.length, 3);
      sameBytes(await direct.get("key"), bytes("7"));
    },
  },
  {
    id: "s20-lost-after-throttled",
    rule: "S20",
    subject: "core",
    needs: ["increment"],
    title: "an increment that is first throttled and then lost is `unknown` and not sent a third time",
    async run(context) {
      const { faulty, direct, requests } = await counter(context, ({ call }) => ({
        kind: "reject",
        fault: call === 0 ? throttled : answerLost,
        applied: call > 0,
      }));
      assertOutcomes(await batchErrorOf(faulty.increment("key"), "connection-lost"), ["unknown"]);
      assert.equal(requests.length, 2);
      sameBytes(await direct.get("key"), bytes("1"));
    },
  },
  {
    id: "s20-unsettled",
    rule: "S20",
    subject: "core",
    needs: ["increment"],
    title:
      "a lost increment without a fence, or whose fence fails, is reported as unsettled in failures, message and event",
    async run(context) {
      for (const fence of [undefined, () => Promise.reject(new Error("the fence fails"))]) {
        const { faulty } = await counter(context, () => ({ kind: "reject", fault: { ...answerLost, fence } }));
        let error: BatchError | undefined;
        const { calls } = await recordEvents(faulty.name, async () => {
          error = await batchErrorOf(faulty.increment("key"));
        });
        assert.deepEqual(error && unsettledOf(error), [true]);
        assert.match(error?.message ?? "", /1 may still be applied later/);
        const event = calls.at(-1) as CallEvent;
        assert.equal(event.operation, "increment");
        assert.equal(event.unsettled, 1);
        assert.equal(event.code, "connection-lost");
      }
    },
  },
  {
    id: "s20-random-faults",
    rule: "S20",
    subject: "core",
    needs: ["increment"],
    title:
      "under seeded faults, a counter contains every acknowledged increment once, and each unknown one at most once",
    async run(context) {
      const schedule = seededFaults({
        seed: context.seed,
        rate: 0.4,
        operations: ["increment"],
        // Omits the faults that only a timeout ends, because they would make the case slow.
        faults: seededFaultKinds.filter((kind) => !kind.startsWith("drop-")),
      });
      const { faulty, direct } = await counter(context, schedule);
      // Each increment adds its own power of two, so the sum shows which increments were counted, and how often.
      const told: Outcome[] = [];
      let next = 0;
      const worker = async (): Promise<void> => {
        for (let index = next++; index < 60; index = next++)
          told[index] = await faulty.increment("key", 2n ** BigInt(index)).then(
            () => "applied",
            (error: BatchError) => error.outcomeOf(0),
          );
      };
      await Promise.all(Array.from({ length: 6 }, worker));
      const sum = await direct.increment("key", 0);
      for (const [index, outcome] of told.entries()) {
        const isCounted = (sum >> BigInt(index)) % 2n === 1n;
        if (outcome === "applied") assert.ok(isCounted, `increment ${index} is applied, but not counted`);
        if (outcome === "not-applied") assert.ok(!isCounted, `increment ${index} is not applied, but counted`);
      }
      assert.ok(told.includes("applied") && told.includes("unknown"), "the faults must affect some increments");
    },
  },
];

async function counter(
  context: CaseContext,
  schedule: FaultSchedule,
  store: StoreOptions = { retry: quickRetry },
): Promise<FaultyCounter> {
  const name = context.bucketName();
  const { requests, wrap } = recordRequests();
  const direct = await context.bucket({ name });
  const faulty = await context.bucket({ name, store, wrap: (driver) => wrap(faultDriver(driver, schedule)) });
  return { faulty, direct, requests };
}

function unsettledOf(error: BatchError): (true | undefined)[] {
  return Array.from(error.failures(), ({ unsettled }) => unsettled);
}
