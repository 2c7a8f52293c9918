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
// Most cases wait for deadlines and servers, so several run at the same time.
await inLanes(
  4,
  cases.filter(({ alone }) => !alone),
);
await inLanes(
  1,
  cases.filter(({ alone }) => alone),
);
await finish();
for (const reason of unhandled) console.log("unhandled", reason);
console.log(`${counts.passed} passed, ${counts.failed + unhandled.length} failed, ${counts.skipped} skipped`);
if (counts.failed + unhandled.length > 0) process.exitCode = 1;
// After the event loop has ended, Node.js 20 may wait forever for handles that an agent has left, unless the process exits.
process.once("beforeExit", () => process.exit());

async function inLanes(width, queue) {
  const waiting = queue.values();
  const lane = async () => {
    for (const one of waiting) counts[await outcomeOf(one)]++;
  };
  await Promise.all(Array.from({ length: width }, lane));
}

async function outcomeOf(one) {
  if (one.id in harness.skip || (harness.servers === undefined && one.subject === "network")) return "skipped";
  const result = await inTransaction(one.id, () => runCase(one, harness));
  if (result.status === "failed") console.log(`failed ${describeFailure(result)}`);
  return result.status;
}
