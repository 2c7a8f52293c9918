import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import type { StoreOptions } from "@manykv/core";
import type { CallFault } from "../faults/call-fault.js";
import { answerLost, throttled } from "../faults/engine-faults.js";
import { inLanes } from "../support/lanes.js";
import { nextTurn, settlesWithinTurns } from "../support/turns.js";
import { isWrite, type TableOperation } from "./operations.js";
import { type Prober, prober, type Spot } from "./probe.js";
import { type Cell, spotsOf, type TablePromise, testedCells } from "./promises.js";

/** Turns of the event loop in which a cancelled call settles if its driver does not hang. */
const turns = 50;

type When =
  | "before the call"
  | "while it waits for a response"
  | "while the driver hangs"
  | "while it waits to repeat a request"
  | "while a fence runs";

const moments: readonly When[] = [
  "before the call",
  "while it waits for a response",
  "while the driver hangs",
  "while it waits to repeat a request",
  "while a fence runs",
];

export const cancel: TablePromise = {
  id: "cancel",
  text: "A cancelled call settles at once, sends nothing more, and waits for no fence",
  ruleOf: () => "S11",
  titleOf: ({ name }) =>
    `${name}: whenever the call is cancelled, it rejects at once with \`aborted\`, sends nothing more, and waits for no fence`,
  cellsOf: (operation) =>
    moments.map(
      (when): Cell => ({
        condition: `cancelled ${when}`,
        reason: reasonOf(operation, when),
        spots: spotsOf(operation),
      }),
    ),
  async run(context, operation) {
    const probe = await prober(context);
    await inLanes(testedCells(operation, moments, reasonOf), ([when, spot]) => cancelled(probe, operation, when, spot));
  },
};

function reasonOf(operation: TableOperation, when: When): string | undefined {
  if (operation.method === "provision") return "it takes no signal";
  return when === "while a fence runs" && !isWrite(operation) ? "it changes nothing, so it needs no fence" : undefined;
}

async function cancelled(probe: Prober, operation: TableOperation, when: When, spot: Spot): Promise<void> {
  const what = `${operation.name}, cancelled ${when} (${spot})`;
  const controller = new AbortController();
  const { signal } = controller;
  let fences = 0;
  let abort!: () => void;
  const aborted = new Promise<void>((resolve) => {
    abort = () => {
      controller.abort();
      resolve();
    };
  });
  const fence = (): Promise<void> => {
    fences++;
    setImmediate(abort);
    return new Promise(() => {});
  };
  const faults: Readonly<Record<When, CallFault>> = {
    "before the call": { kind: "hang" },
    "while it waits for a response": { kind: "drop-request", fence },
    "while the driver hangs": { kind: "hang" },
    "while it waits to repeat a request": { kind: "reject", fault: throttled },
    "while a fence runs": { kind: "reject", fault: { ...answerLost, fence } },
  };
  // Without the signal, a call would wait for hours before it repeats a request.
  const store: StoreOptions = { retry: { attempts: 5, baseDelay: 10_000_000, maxDelay: 10_000_000 } };
  const { keys, spotKey, requests, run } = await probe({
    operation,
    spot,
    store,
    fault: () => {
      if (when !== "while a fence runs") setImmediate(abort);
      return faults[when];
    },
  });
  const before = requests();
  if (when === "before the call") abort();
  let settle!: () => void;
  const settled = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const running = run({ signal, timeout: Number.POSITIVE_INFINITY }, settle);
  running.catch(() => {});
  await aborted;
  const sent = requests();
  const isQuick = await settlesWithinTurns(settled, turns);
  const { errors, outcomes, sizes } = await running;
  if (when !== "while the driver hangs" && (sizes[0] === keys.length || !isWrite(operation)))
    assert.ok(isQuick, `${what}: the call must settle within ${turns} turns of the event loop`);
  for (let turn = 0; turn < 5; turn++) await nextTurn();
  assert.ok(errors.length > 0, `${what}: the call must reject`);
  for (const { code, retryable } of errors) {
    // A lost request that may not be repeated has failed before the call is cancelled.
    const hasFailed = when === "while a fence runs" && (operation.kind === "increment" || operation.kind === "swap");
    assert.equal(code, hasFailed ? "connection-lost" : "aborted", `${what}: the code`);
    assert.equal(retryable, hasFailed, `${what}: the error must be retryable only if it was lost`);
  }
  assert.equal(requests(), sent, `${what}: a cancelled call must send nothing`);
  if (when === "before the call") assert.equal(sent, before, `${what}: nothing must be sent`);
  assert.equal(fences, when === "while a fence runs" ? 1 : 0, `${what}: number of fences`);
  assert.equal(getEventListeners(signal, "abort").length, 0, `${what}: no listener must stay on the signal`);
  if (!isWrite(operation)) return;
  // A coalesced call does not know what became of the batch that it has left.
  const wasSent = when !== "before the call" && (operation.coalesce || when !== "while it waits to repeat a request");
  assert.equal(outcomes[keys.indexOf(spotKey)], wasSent ? "unknown" : "not-applied", `${what}: outcome`);
}
