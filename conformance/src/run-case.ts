import { CaseContext } from "./case-context.js";
import type { ConformanceCase } from "./conformance-case.js";
import { deriveSeed } from "./faults/random.js";
import type { ConformanceHarness } from "./harness.js";
import { SkipCase } from "./skip-case.js";
import { randomSeed } from "./support/random-name.js";
import { settles } from "./support/settles.js";

/** Maximum duration of a case, in milliseconds. A case that takes longer fails. */
const caseTimeout = 120_000;
const closeTimeout = 30_000;

/**
 * Timeout for the test runner, in milliseconds. It is longer than the timeouts in `runCase` together, so that `runCase`
 * rejects before the test runner's timeout and reports what hangs.
 */
export const testTimeout: number = caseTimeout + closeTimeout + 10_000;

/**
 * Runs one case. Rejects if the backend does not conform, if the case takes longer than 120 seconds, if its cleanup
 * fails or takes longer than 30 seconds, or if the case skips itself. Call this function to run a single case in a
 * debugger or against a backend that is broken on purpose.
 */
export async function runCase(conformanceCase: ConformanceCase, harness: ConformanceHarness): Promise<void> {
  const seed = harness.seed ?? randomSeed();
  const context = new CaseContext(harness, deriveSeed(seed, conformanceCase.id));
  const { id } = conformanceCase;
  const ran = await settles(conformanceCase.run(context), caseTimeout, id).catch(rejected);
  const closed = await settles(context.close(), closeTimeout, `the cleanup of ${id}`).catch(rejected);
  for (const settled of [ran, closed]) if (settled.status === "rejected") throw withSeed(settled.reason, seed);
}

function rejected(reason: unknown): { readonly status: "rejected"; readonly reason: unknown } {
  return { status: "rejected", reason };
}

/** Adds the seed to the message of a failure, so that the failure can be replayed. */
function withSeed(error: unknown, seed: number): unknown {
  if (error instanceof Error && !(error instanceof SkipCase))
    error.message += `\n(seed ${seed}: to replay the failure, set \`seed: ${seed}\` in the harness)`;
  return error;
}
