import assert from "node:assert/strict";
import { BatchError } from "@manykv/core";
import type { Driver } from "@manykv/core/driver";
import type { CallFault } from "../faults/call-fault.js";
import { answerLost, refused, throttled } from "../faults/engine-faults.js";
import { wrapDriver } from "../faults/wrap-driver.js";
import { inLanes } from "../support/lanes.js";
import { assertNoLeak, canary } from "../support/no-leak.js";
import { hasKeys, type TableOperation } from "./operations.js";
import { prober } from "./probe.js";
import { spotsOf, type TablePromise, testedCells } from "./promises.js";

interface Failure {
  readonly condition: string;
  readonly fault?: (key: string) => CallFault;
  readonly wrap?: (driver: Driver, operation: TableOperation) => Driver;
  readonly timeout?: number;
  /** What the name of the key at the spot ends with. */
  readonly end?: string;
  readonly needsKeys?: boolean;
}

const failures: readonly Failure[] = [
  { condition: "the request is refused", fault: () => ({ kind: "reject", fault: refused }) },
  { condition: "the request is throttled", fault: () => ({ kind: "reject", fault: throttled }) },
  { condition: "the request is lost", fault: () => ({ kind: "reject", fault: answerLost }) },
  { condition: "the driver hangs", fault: () => ({ kind: "hang" }), timeout: 50 },
  {
    condition: "the key is refused",
    needsKeys: true,
    fault: (key) => ({ kind: "keys", of: (each) => (each === key ? { kind: "fail", fault: refused } : undefined) }),
  },
  {
    condition: "the key stays unprocessed",
    needsKeys: true,
    fault: (key) => ({ kind: "keys", of: (each) => (each === key ? { kind: "unprocessed" } : undefined) }),
  },
  { condition: "the engine's error names the key", wrap: (driver, operation) => talkative(driver, operation) },
  { condition: "the key is ill-formed", needsKeys: true, end: "\ud800" },
  { condition: "the key is too long", needsKeys: true, end: "x".repeat(1_025) },
];

export const leak: TablePromise = {
  id: "no-leak",
  text: "No error shows a key or a value, whichever key it concerns",
  ruleOf: () => "errors",
  titleOf: ({ name }) =>
    `${name}: no error shows a key or a value, whether the first, the middle or the last key fails`,
  cellsOf: (operation) =>
    failures.map((failure) => ({
      condition: failure.condition,
      reason: reasonOf(operation, failure),
      spots: spotsOf(operation),
    })),
  async run(context, operation) {
    const probe = await prober(context);
    await inLanes(testedCells(operation, failures, reasonOf), async ([failure, spot]) => {
      const { condition, fault, wrap, timeout = 60_000, end } = failure;
      const { target, keys, spotKey } = await probe({
        operation,
        spot,
        nameOf: (name) => `${canary} ${name}`,
        ...(fault && { fault: (_: number, key: string) => fault(key) }),
        ...(wrap && { wrap: (driver: Driver) => wrap(driver, operation) }),
      });
      const names = end === undefined ? keys : keys.map((key) => (key === spotKey ? key + end : key));
      const what = `${operation.name}, ${condition} (${spot})`;
      const calls = await Promise.allSettled(operation.calls(target, names, { timeout }));
      const errors = calls.flatMap((call) => (call.status === "rejected" ? [call.reason as unknown] : []));
      assert.ok(errors.length > 0, `${what}: the call must reject`);
      for (const error of errors) {
        assertNoLeak(error, what);
        if (BatchError.is(error)) assert.ok(!JSON.stringify([...error.failures()]).includes(canary), what);
      }
    });
  },
};

function reasonOf(operation: TableOperation, { needsKeys = false, timeout }: Failure): string | undefined {
  if (timeout !== undefined && operation.method === "provision") return "it takes no timeout";
  return needsKeys && !hasKeys(operation) ? "it takes no keys" : undefined;
}

/** Returns a driver whose methods for the operation fail with an error that contains everything about the request. */
function talkative(driver: Driver, { requests }: TableOperation): Driver {
  const fail = async (request: object): Promise<never> => {
    const { keys, cursor } = request as { keys?: readonly string[]; cursor?: string };
    const shown = `${keys?.join()} ${cursor} ${canary}`;
    throw Object.assign(new Error(`failed: ${shown}`), {
      code: shown,
      detail: `Key (k)=(${shown}) already exists`,
      command: { name: "command", args: [shown, Buffer.from(shown)] },
      cause: new Error(shown),
    });
  };
  const present = requests.filter((method) => driver[method] !== undefined);
  return wrapDriver(driver, Object.fromEntries(present.map((method) => [method, fail])));
}
