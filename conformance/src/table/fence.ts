import assert from "node:assert/strict";
import type { Fault } from "@manykv/core/driver";
import type { CallFault } from "../faults/call-fault.js";
import { answerLost } from "../faults/engine-faults.js";
import { bytes, sameBytes } from "../support/bytes.js";
import { quickRetry } from "../support/faulty-write.js";
import { inLanes } from "../support/lanes.js";
import { pause } from "../support/settles.js";
import { nextTurn } from "../support/turns.js";
import { isWrite, type TableOperation } from "./operations.js";
import { isUnsettled, type Prober, prober, type Spot } from "./probe.js";
import { spotsOf, type TablePromise } from "./promises.js";

interface Loss {
  readonly condition: string;
  /** Number of requests that are lost. */
  readonly times: number;
  readonly retryable?: boolean;
  readonly fenceFails?: boolean;
}

const losses: readonly Loss[] = [
  { condition: "a request is lost once", times: 1 },
  { condition: "a request is lost at every attempt", times: Infinity },
  { condition: "a lost request may not be repeated", times: Infinity, retryable: false },
  { condition: "the fence fails", times: Infinity, fenceFails: true },
];

const late = "a lost request would still take effect later";

export const fence: TablePromise = {
  id: "fence",
  text: "A lost write is fenced before it is repeated and after the last attempt, so that nothing takes effect later",
  ruleOf: ({ rule }) => rule,
  titleOf: ({ name }) =>
    `${name}: a lost request is fenced before it is repeated and after the last attempt, and takes no effect after the call`,
  cellsOf: (operation) =>
    [...losses.map(({ condition }) => condition), late].map((condition) => ({
      condition,
      reason: isWrite(operation) ? undefined : "it changes nothing, so it needs no fence",
      spots: spotsOf(operation),
    })),
  async run(context, operation) {
    const probe = await prober(context);
    const spots = spotsOf(operation);
    const scopes = ["key", "request"] as const;
    const cells = losses.flatMap((loss) => scopes.flatMap((scope) => spots.map((spot) => ({ loss, scope, spot }))));
    await inLanes(cells, ({ loss, scope, spot }) => fenced(probe, operation, loss, scope, spot));
    await inLanes(spots, (spot) => staysAway(probe, operation, spot));
  },
};

async function fenced(
  probe: Prober,
  operation: TableOperation,
  { condition, times, retryable = true, fenceFails = false }: Loss,
  scope: "key" | "request",
  spot: Spot,
): Promise<void> {
  const what = `${operation.name}, ${condition} (${scope}, ${spot})`;
  const fence = async (): Promise<void> => {
    events.push("fence");
    await nextTurn();
    events.push("fenced");
    if (fenceFails) throw new Error("the fence fails");
  };
  const lost: Fault = { ...answerLost, retryable, fence };
  const faultOf = (key: string): CallFault =>
    scope === "request"
      ? { kind: "reject", fault: lost }
      : { kind: "keys", of: (each) => (each === key ? { kind: "fail", fault: lost } : undefined) };
  const { events, run, keys, spotKey } = await probe({
    operation,
    spot,
    fault: (number, key) => (number <= times ? faultOf(key) : undefined),
    ...(scope === "request" && { store: { requestLimits: { maxKeys: 1 } } }),
  });
  const { errors, outcomes, sizes } = await run({ timeout: 60_000 });
  const repeats = retryable && operation.kind !== "increment" && !(operation.kind === "swap" && fenceFails);
  const progress = scope === "key" && sizes[0] !== 1 ? 1 : 0;
  const losses = !repeats || times === 1 ? 1 : quickRetry.attempts + progress;
  const expected = new Array<string[]>(losses).fill(["request", "fence", "fenced"]).flat();
  if (times === 1 && repeats) expected.push("request");
  assert.deepEqual(events, expected, `${what}: requests and fences in their order`);
  const index = keys.indexOf(spotKey);
  const resolves = times === 1 && repeats;
  assert.equal(outcomes[index], resolves ? "applied" : "unknown", `${what}: outcome`);
  if (!resolves) assert.equal(isUnsettled(errors, operation, index), fenceFails, `${what}: whether it is unsettled`);
}

/** Time after which a lost request takes effect unless it is fenced, in milliseconds. */
const delay = 10;

async function staysAway(probe: Prober, operation: TableOperation, spot: Spot): Promise<void> {
  const { direct, spotKey, run } = await probe({
    operation,
    spot,
    fault: () => ({ kind: "late-apply", milliseconds: delay }),
    store: { requestLimits: { maxKeys: 1 } },
  });
  await run({ timeout: 60_000 });
  // A late insert finds this key, and a late increment or swap its old value.
  if (operation.kind === "insert") await direct.delete(spotKey);
  else await direct.set(spotKey, bytes(operation.before ?? ""));
  await pause(4 * delay);
  const found = await direct.get(spotKey);
  if (operation.kind === "insert")
    assert.equal(found, undefined, `${operation.name}: a late insert took effect (${spot})`);
  else sameBytes(found, bytes(operation.before ?? ""), `${operation.name}: the value after a late request (${spot})`);
}
