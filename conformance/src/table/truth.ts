import assert from "node:assert/strict";
import { inLanes } from "../support/lanes.js";
import { expectedOf, type TableFault, tableFaults } from "./faults.js";
import { hasKeys, isWrite, type TableOperation } from "./operations.js";
import { isUnsettled, type ProbeOptions, prober, type Spot } from "./probe.js";
import { spotsOf, type TablePromise, testedCells } from "./promises.js";

/**
 * Every reported outcome and answer is true, whatever fails and wherever. A request that may be repeated is repeated
 * until the attempts are used up, and no other request is repeated.
 */
export const truth: TablePromise = {
  id: "truth",
  text: "Whatever fails, each outcome and answer is true, and exactly the requests that may be repeated are repeated",
  ruleOf: ({ rule }) => rule,
  titleOf: (operation) =>
    isWrite(operation)
      ? `${operation.name}: whatever fails, the outcome of every key is true, and only what may be repeated is repeated`
      : `${operation.name}: whatever fails, no answer is false or incomplete, and only what may be repeated is repeated`,
  cellsOf: (operation) =>
    tableFaults.map((fault) => ({
      condition: fault.name,
      reason: reasonOf(operation, fault),
      spots: spotsOf(operation),
    })),
  async run(context, operation) {
    const probe = await prober(context);
    await inLanes(testedCells(operation, tableFaults, reasonOf), ([fault, spot]) =>
      testFault(probe, operation, fault, spot),
    );
  },
};

function reasonOf(operation: TableOperation, { scope }: TableFault): string | undefined {
  if (scope === "request" || hasKeys(operation)) return undefined;
  return "its requests have no keys that fail on their own";
}

async function testFault(
  probe: Awaited<ReturnType<typeof prober>>,
  operation: TableOperation,
  tested: TableFault,
  spot: Spot,
): Promise<void> {
  const { scope, times, fault, name } = tested;
  const options: ProbeOptions = {
    operation,
    spot,
    fault: (number, key) => (number <= times ? fault(key) : undefined),
    ...(scope === "request" && { store: { requestLimits: { maxKeys: 1 } } }),
  };
  const { keys, spotKey, run } = await probe(options);
  const what = `${operation.name}, ${name} (${spot})`;
  const { attempts, sizes, errors, outcomes } = await run({ timeout: 60_000 });
  const expected = expectedOf(operation, tested, scope === "key" && sizes[0] !== 1 ? 1 : 0);
  assert.equal(attempts, expected.attempts, `${what}: number of requests`);
  for (const size of sizes.slice(1)) assert.equal(size, 1, `${what}: keys that did not fail must not be sent again`);
  assert.deepEqual(
    [...new Set(errors.map(({ code }) => code))],
    expected.code === undefined ? [] : [expected.code],
    `${what}: code of the error`,
  );
  if (!isWrite(operation)) return;
  if (expected.outcome === "unknown")
    assert.ok(
      isUnsettled(errors, operation, keys.indexOf(spotKey)),
      `${what}: a lost key without a fence is unsettled`,
    );
  for (const [index, key] of keys.entries()) {
    const others = scope === "key" || expected.code === undefined ? ["applied"] : ["applied", "not-applied"];
    const allowed = key === spotKey ? [expected.outcome] : others;
    assert.ok(
      allowed.includes(outcomes[index] ?? ""),
      `${what}: the outcome of ${key} must be ${allowed.join(" or ")}, not ${outcomes[index]}`,
    );
  }
}
