import { CaseContext } from "./case-context.js";
import type { ConformanceCase } from "./conformance-case.js";
import { deriveSeed } from "./faults/random.js";
import type { ConformanceHarness } from "./harness.js";
import { SkipCase } from "./skip-case.js";
import { randomSeed } from "./support/random-name.js";
import { settles } from "./support/settles.js";

/** Time for one case, in milliseconds. A case that hangs fails then. */
const caseTimeout = 120_000;
const closeTimeout = 30_000;

/** The runner's timeout. Longer than a case may take, so that the case reports what hangs. */
export const testTimeout: number = caseTimeout + closeTimeout + 10_000;

/**
 * Runs one case and rejects if the backend does not conform. Call it to run a single case in a debugger or against a
 * backend that is broken on purpose.
 */
export async function runCase(conformanceCase: ConformanceCase, harness: ConformanceHarness): Promise<void> {
  const seed = harness.seed ?? randomSeed();
  const context = new CaseContext(harness, deriveSeed(seed, conformanceCase.id));
  const { id } = conformanceCase;
  const ran = await settles(conformanceCase.run(context), caseTimeout, id).catch(rejected);
  const closed = await settles(context.close(), closeTimeout, `${id}: closing`).catch(rejected);
  for (const settled of [ran, closed]) if (settled.status === "rejected") throw withSeed(settled.reason, seed);
}

function rejected(reason: unknown): { readonly status: "rejected"; readonly reason: unknown } {
  return { status: "rejected", reason };
}

/** Adds to a failure how to replay it. */
function withSeed(error: unknown, seed: number): unknown {
  if (error instanceof Error && !(error instanceof SkipCase))
    error.message += `\n(seed ${seed}: replay with the harness's \`seed: ${seed}\`)`;
  return error;
}
