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
  /** Maximum duration of the cleanup after the case, in milliseconds. Default 30,000, or more with many `modelRuns`. */
  readonly cleanupTimeout?: number | undefined;
  /** Seed of the random calls and faults. Default: the seed of the harness, or a new one. */
  readonly seed?: number | undefined;
}

/** Maximum duration of the cleanup after a case that was cancelled, in milliseconds. Later, nothing waits for it. */
const cancelledCleanup = 5_000;

/** Maximum durations of a case and of its cleanup, in milliseconds. Many random call sequences may take longer. */
function timeoutsOf({ modelRuns = defaultModelRuns }: ConformanceHarness): { run: number; cleanup: number } {
  const factor = Math.max(1, modelRuns / defaultModelRuns);
  return { run: 120_000 * factor, cleanup: 30_000 * factor };
}

/**
 * Returns the timeout for the test runner, in milliseconds. It is much longer than the timeouts in `runCase` together, so
 * that `runCase` ends first and reports what hangs, even if the case has waited for others that run alone.
 */
export function testTimeoutOf(harness: ConformanceHarness): number {
  const { run, cleanup } = timeoutsOf(harness);
  return 4 * (run + cleanup);
}

/**
 * Runs one case and returns its result. The case fails if the backend does not conform, if the case takes longer than
 * `caseTimeout`, or if its cleanup fails or takes longer than `cleanupTimeout`. Never rejects. Call this function to run a
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
  const { caseTimeout = timeouts.run, cleanupTimeout = timeouts.cleanup } = options;
  const context = new CaseContext(harness, deriveSeed(seed, id));
  const started = performance.now();
  const ran = await endOf(run(conformanceCase, context), caseTimeout, signal);
  // Before the cleanup, which adds requests to the log.
  const runVerdict = verdictOf(ran, conformanceCase === smokeCase ? "smoke" : "run", caseTimeout, context);
  if (ran.how !== "fulfilled") context.end();
  const patience = ran.how === "cancelled" ? Math.min(cancelledCleanup, cleanupTimeout) : cleanupTimeout;
  const cleaned = await endOf(context.close(), patience);
  const verdict = runVerdict.status === "passed" ? verdictOf(cleaned, "cleanup", patience, context) : runVerdict;
  const milliseconds = Math.round(performance.now() - started);
  return { id, rule, subject, level: levelOf(conformanceCase), title, milliseconds, seed, ...verdict };
}

export const cancelledReason = "the run was cancelled";

function verdictOf(
  end: End,
  phase: CaseFailure["phase"],
  timeout: number,
  { log }: CaseContext,
): Pick<CaseResult, "status" | "skip" | "reason" | "failure"> {
  switch (end.how) {
    case "fulfilled":
      return { status: "passed" };
    case "cancelled":
      return { status: "skipped", skip: "not-run", reason: cancelledReason };
    case "late": {
      const late = new LateError(`${phase === "cleanup" ? "the cleanup" : "the case"} must end within ${timeout} ms`);
      return { status: "failed", failure: failureOf(phase === "run" ? "timeout" : phase, late, log) };
    }
    case "rejected": {
      const { error } = end;
      if (error instanceof SkipCase) return { status: "skipped", skip: error.kind, reason: error.message };
      return { status: "failed", failure: failureOf(phase, error, log) };
    }
  }
}

async function run(conformanceCase: ConformanceCase, context: CaseContext): Promise<void> {
  await skipUnless(context, conformanceCase.needs);
  await conformanceCase.run(context);
}

/** The error of a case, or of its cleanup, that did not end in time. */
export class LateError extends Error {
  override name = "LateError";
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
