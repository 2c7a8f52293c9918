import { CaseContext } from "./case-context.js";
import { defaultModelRuns } from "./cases/s07-model.js";
import type { ConformanceCase } from "./conformance-case.js";
import { deriveSeed } from "./faults/random.js";
import type { ConformanceHarness } from "./harness.js";
import { SkipCase } from "./skip-case.js";
import { skipUnless } from "./support/abilities.js";
import { randomSeed } from "./support/random-name.js";
import { settles } from "./support/settles.js";

/** Maximum durations of a case and of its cleanup, in milliseconds. */
interface Timeouts {
  readonly run: number;
  readonly close: number;
}

/** If the harness asks for more random call sequences than the default, a case may take longer. */
function timeoutsOf({ modelRuns = defaultModelRuns }: ConformanceHarness): Timeouts {
  const factor = Math.max(1, modelRuns / defaultModelRuns);
  return { run: 120_000 * factor, close: 30_000 * factor };
}

/**
 * Returns the timeout for the test runner, in milliseconds. It is longer than the timeouts in `runCase` together, so that
 * `runCase` rejects before the test runner's timeout and reports what hangs.
 */
export function testTimeoutOf(harness: ConformanceHarness): number {
  const { run, close } = timeoutsOf(harness);
  return run + close + 10_000;
}

/**
 * Runs one case. Rejects if the backend does not conform, if the case takes longer than 120 seconds, if its cleanup
 * fails or takes longer than 30 seconds, or if the case skips itself. If `modelRuns` exceeds its default, both times
 * increase in proportion. Call this function to run a single case in a debugger or against a backend that is broken on
 * purpose.
 */
export async function runCase(conformanceCase: ConformanceCase, harness: ConformanceHarness): Promise<void> {
  const seed = harness.seed ?? randomSeed();
  const context = new CaseContext(harness, deriveSeed(seed, conformanceCase.id));
  const { id } = conformanceCase;
  const run = async (): Promise<void> => {
    await skipUnless(context, conformanceCase.needs);
    await conformanceCase.run(context);
  };
  const timeouts = timeoutsOf(harness);
  const ran = await settles(run(), timeouts.run, id).catch(rejected);
  const closed = await settles(context.close(), timeouts.close, `the cleanup of ${id}`).catch(rejected);
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
