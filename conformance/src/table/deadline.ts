import assert from "node:assert/strict";
import type { StoreErrorCode, StoreOptions } from "@manykv/core";
import type { CallFault } from "../faults/call-fault.js";
import { answerLost, throttled } from "../faults/engine-faults.js";
import { inLanes } from "../support/lanes.js";
import { isWrite, type TableOperation } from "./operations.js";
import { prober } from "./probe.js";
import { type Cell, spotsOf, type TablePromise, testedCells } from "./promises.js";

/** Timeout of the calls, in milliseconds. */
const timeout = 120;

interface Delay {
  readonly condition: string;
  readonly fault: CallFault;
  readonly store?: StoreOptions;
  /** The codes that the error may have. A call that times out while it repeats a request has the code of its fault. */
  readonly codes: readonly StoreErrorCode[];
  readonly onlyWrites?: boolean;
}

const manyAttempts: StoreOptions = { retry: { attempts: 1_000_000, baseDelay: 5, maxDelay: 5 } };

const delays: readonly Delay[] = [
  { condition: "the driver never settles", fault: { kind: "hang" }, codes: ["timeout"] },
  { condition: "a request is lost", fault: { kind: "drop-request" }, codes: ["timeout"] },
  { condition: "a response is lost", fault: { kind: "drop-answer" }, codes: ["timeout"] },
  {
    condition: "a request is throttled again and again",
    fault: { kind: "reject", fault: throttled },
    store: manyAttempts,
    codes: ["timeout", "throttled"],
  },
  {
    condition: "the engine asks to wait for an hour",
    fault: { kind: "reject", fault: { ...throttled, retryAfter: 3_600_000 } },
    codes: ["timeout", "throttled"],
  },
  {
    condition: "a fence never settles",
    fault: { kind: "reject", fault: { ...answerLost, fence: () => new Promise(() => {}) } },
    codes: ["timeout", "connection-lost"],
    onlyWrites: true,
  },
];

export const deadline: TablePromise = {
  id: "deadline",
  text: "Every call settles by its deadline",
  ruleOf: () => "S11",
  titleOf: ({ name }) =>
    `${name} rejects by its deadline, whether the driver hangs, loses or throttles its first, middle or last request`,
  cellsOf: (operation) =>
    delays.map(
      (delay): Cell => ({ condition: delay.condition, reason: reasonOf(operation, delay), spots: spotsOf(operation) }),
    ),
  async run(context, operation) {
    const probe = await prober(context);
    await inLanes(testedCells(operation, delays, reasonOf), async ([delay, spot]) => {
      const { condition, fault, store, codes } = delay;
      const { run } = await probe({
        operation,
        spot,
        fault: () => fault,
        store: { requestLimits: { maxKeys: 1 }, ...store },
      });
      const { errors } = await run({ timeout });
      const what = `${operation.name}, ${condition} (${spot})`;
      assert.ok(errors.length > 0, `${what}: the call must reject`);
      for (const { code, retryable } of errors) {
        assert.ok(codes.includes(code), `${what}: the code must be ${codes.join(" or ")}, not ${code}`);
        assert.equal(retryable, true, `${what}: the error must be retryable`);
      }
    });
  },
};

function reasonOf(operation: TableOperation, { onlyWrites = false }: Delay): string | undefined {
  if (operation.method === "provision") return "it takes no timeout";
  return onlyWrites && !isWrite(operation) ? "it changes nothing, so it needs no fence" : undefined;
}
