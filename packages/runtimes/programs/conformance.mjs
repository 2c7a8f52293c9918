// Runs the conformance suite on the target in MANYKV_TARGET and prints each failure. The last line counts the cases.
import { cases, describeFailure, runCase } from "@manykv/conformance";
import { openHarness } from "./harness.mjs";

const unhandled = [];
process.on("unhandledRejection", (reason) => unhandled.push(reason));
process.on("uncaughtException", (error) => unhandled.push(error));

/** Set by programs that load a tracing agent: runs code inside a transaction, and waits for the agent. */
const { inTransaction = (_, run) => run(), finish = async () => {} } = globalThis.manykvAgent ?? {};

const harness = await openHarness();
const counts = { passed: 0, failed: 0, skipped: 0 };
for (const one of cases) {
  const isSkipped = one.id in harness.skip || (harness.servers === undefined && one.subject === "network");
  counts[isSkipped ? "skipped" : await outcomeOf(one)]++;
}
await finish();
for (const reason of unhandled) console.log("unhandled", reason);
console.log(`${counts.passed} passed, ${counts.failed + unhandled.length} failed, ${counts.skipped} skipped`);
if (counts.failed + unhandled.length > 0) process.exitCode = 1;

async function outcomeOf(one) {
  const result = await inTransaction(one.id, () => runCase(one, harness));
  if (result.status === "failed") console.log(`failed ${describeFailure(result)}`);
  return result.status;
}
