import { CaseContext } from "./case-context.js";
import { defaultModelRuns } from "./cases/s07-model.js";
import { smokeCase } from "./cases/smoke.js";
import type { ConformanceCase } from "./conformance-case.js";
import { failureOf } from "./failure.js";
import { deriveSeed } from "./faults/random.js";
import type { ConformanceHarness } from "./harness.js";
import { levelOf } from "./levels.js";
import type { CaseFailure, CaseResult } from "./results.js";
import { SkipCase } from "./skip-case.js";
import { skipUnless } from "./support/abilities.js";
import { randomSeed } from "./support/random-name.js";

/** Options of `runCase`. */
export interface RunCaseOptions {
  /** Ends the case. Its result is then `skipped`. */
  readonly signal?: AbortSignal | undefined;
  /** Maximum duration of the case without its cleanup, in milliseconds. Default 120,000, or more with many `modelRuns`. */
  readonly caseTimeout?: number | undefined;
  /** Seed of the random calls and faults. Default: the seed of the harness, or a new one. */
  readonly seed?: number | undefined;
}

/** Maximum duration of the cleanup after a case that was cancelled, in milliseconds. It then goes on without a listener. */
const cancelledCleanup = 5_000;

/** Maximum durations of a case and of its cleanup, in milliseconds. Many random call sequences may take longer. */
function timeoutsOf({ modelRuns = defaultModelRuns }: ConformanceHarness): { run: number; cleanup: number } {
  const factor = Math.max(1, modelRuns / defaultModelRuns);
  return { run: 120_000 * factor, cleanup: 30_000 * factor };
}

/**
 * Returns the timeout for the test runner, in milliseconds. It is longer than the timeouts in `runCase` together, so that
 * `runCase` ends before the test runner's timeout and reports what hangs.
 */
export function testTimeoutOf(harness: ConformanceHarness): number {
  const { run, cleanup } = timeoutsOf(harness);
  return run + cleanup + 10_000;
}

/**
 * Runs one case and returns its result. The case fails if the backend does not conform, if the case takes longer than
 * `caseTimeout`, or if its cleanup fails or takes longer than 30 seconds. Never rejects. Call this function to run a
 * single case in a debugger or against a backend that is broken on purpose.
 */
export async function runCase(
  conformanceCase: ConformanceCase,
  harness: ConformanceHarness,
  options: RunCaseOptions = {},
): Promise<CaseResult> {
  const { signal, seed = harness.seed ?? randomSeed() } = options;
  const { id, rule, subject, title } = conformanceCase;
  const timeouts = timeoutsOf(harness);
  const { caseTimeout = timeouts.run } = options;
  const context = new CaseContext(harness, deriveSeed(seed, id));
  const started = performance.now();
  const ran = await endOf(run(conformanceCase, context), caseTimeout, signal);
  const cleaned = await endOf(context.close(), signal?.aborted ? cancelledCleanup : timeouts.cleanup);
  const milliseconds = Math.round(performance.now() - started);
  const about = { id, rule, subject, level: levelOf(conformanceCase), title, milliseconds, seed };
  const failed = (phase: CaseFailure["phase"], error: unknown): CaseResult => ({
    ...about,
    status: "failed",
    failure: failureOf(conformanceCase === smokeCase ? "smoke" : phase, error),
  });
  if (ran.how === "cancelled") return { ...about, status: "skipped", skip: "not-run", reason: cancelledReason };
  if (ran.how === "late") return failed("timeout", new Error(`the case must end within ${caseTimeout} ms`));
  if (ran.how === "rejected" && ran.error instanceof SkipCase)
    return { ...about, status: "skipped", skip: ran.error.kind, reason: ran.error.message };
  if (ran.how === "rejected") return failed("run", ran.error);
  if (cleaned.how === "late") return failed("cleanup", new Error(`close must end within ${timeouts.cleanup} ms`));
  if (cleaned.how === "rejected") return failed("cleanup", cleaned.error);
  return { ...about, status: "passed" };
}

export const cancelledReason = "the run was cancelled";

async function run(conformanceCase: ConformanceCase, context: CaseContext): Promise<void> {
  await skipUnless(context, conformanceCase.needs);
  await conformanceCase.run(context);
}

type End = { readonly how: "fulfilled" | "late" | "cancelled" } | { readonly how: "rejected"; readonly error: unknown };

/** Waits until a promise settles, the time is over or the signal is aborted. Never rejects. */
function endOf(promise: Promise<void>, milliseconds: number, signal?: AbortSignal): Promise<End> {
  return new Promise((resolve) => {
    const cancel = (): void => end({ how: "cancelled" });
    const timer = setTimeout(() => end({ how: "late" }), milliseconds);
    const end = (how: End): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", cancel);
      resolve(how);
    };
    signal?.addEventListener("abort", cancel);
    if (signal?.aborted) cancel();
    promise.then(
      () => end({ how: "fulfilled" }),
      (error: unknown) => end({ how: "rejected", error }),
    );
  });
}
