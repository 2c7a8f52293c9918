import { cases } from "./cases/index.js";
import { smokeCase } from "./cases/smoke.js";
import type { ConformanceCase } from "./conformance-case.js";
import { describeFailure } from "./failure.js";
import type { ConformanceHarness } from "./harness.js";
import type { CaseResult } from "./results.js";
import { type Rule, rules } from "./rules.js";
import { testTimeoutOf } from "./run-case.js";
import { type Runner, skipOf } from "./runner.js";
import { SuiteRun } from "./suite-run.js";

/**
 * Defines one test per case and groups the tests by rule. The name of a test contains the id, the subject and the title
 * of its case. The smoke case is the first test. If it fails, the suite skips all others. For each skipped case, the
 * suite prints a line with the reason.
 *
 * @throws {TypeError} if a field of the harness is missing, unknown or of the wrong type, or if `skip` names an unknown
 * case, contains an empty reason, or leaves no case to run.
 */
export function conformanceSuite(runner: Runner, harness: ConformanceHarness): void {
  const run = new SuiteRun(harness);
  const start = startOf(run);
  runner.describe(`${harness.name} conformance`, () => {
    define(runner, run, start, smokeCase);
    for (const [rule, group] of byRule())
      runner.describe(`${rule}: ${rules[rule]}`, () => {
        for (const one of group) define(runner, run, start, one);
      });
  });
}

function byRule(): ReadonlyMap<Rule, readonly ConformanceCase[]> {
  const groups = new Map<Rule, ConformanceCase[]>();
  for (const one of cases) if (one !== smokeCase) groups.set(one.rule, [...(groups.get(one.rule) ?? []), one]);
  return groups;
}

function define({ test }: Runner, run: SuiteRun, start: () => Promise<void>, one: ConformanceCase): void {
  const { harness } = run;
  const name = `${one.id} (${one.subject}): ${one.title}`;
  const skip = run.skipOf(one);
  if (skip !== undefined) {
    const body = async (): Promise<void> => {};
    return void (skipOf(test) ?? test)(`${name} (skipped: ${skip.reason})`, body, testTimeoutOf(harness));
  }
  // Declares no parameter: Jest and Bun treat a declared parameter as a callback and wait for the test to call it.
  const body = async (...given: unknown[]): Promise<void> => {
    await start();
    const result = await run.run(one);
    const { status, skip, reason = "" } = result;
    if (status === "passed") return;
    if (status === "failed") throw new ConformanceError(result);
    if (skip !== "not-run") console.log(skipLine(harness, one, reason));
    const isMarked = skipRunning(given[0], reason);
    if (skip === "not-run" && !isMarked) throw new Error(`not run: ${reason}`);
  };
  test(name, body, testTimeoutOf(harness));
}

/**
 * Returns a function that every test calls first. It runs the smoke case and prints, once, what a reader must see first:
 * why the smoke case failed, before the runner lists hundreds of tests that did not run, or which cases the harness skips.
 * If the smoke case failed, rejects in the first test, so that a run of other tests alone also fails.
 */
function startOf(run: SuiteRun): () => Promise<void> {
  let isFirst = true;
  return async () => {
    const smoke = await run.run(smokeCase);
    if (!isFirst) return;
    isFirst = false;
    const skipped = cases.flatMap((one) => {
      const skip = run.skipOf(one);
      return skip === undefined ? [] : [skipLine(run.harness, one, skip.reason)];
    });
    const failed = smoke.failure !== undefined && smoke.failure.phase !== "cleanup";
    const lines = failed ? [describeFailure(smoke)] : skipped;
    if (lines.length > 0) console.log(lines.join("\n"));
    if (failed) throw new ConformanceError(smoke);
  };
}

function skipLine(harness: ConformanceHarness, { id }: ConformanceCase, reason: string): string {
  return `${harness.name}: skipped ${id}: ${reason}`;
}

/** Marks the running test as skipped if the runner passes a test context with a `skip` method. Returns whether it does. */
function skipRunning(testContext: unknown, reason: string): boolean {
  const context = testContext as { skip?: (reason: string) => void } | undefined;
  if (typeof context?.skip !== "function") return false;
  context.skip(reason);
  return true;
}

/** The error of a test whose case failed. Its message contains everything that is known about the failure. */
class ConformanceError extends Error {
  constructor(result: CaseResult) {
    super(describeFailure(result), { cause: result.failure?.driverError });
    this.name = "ConformanceError";
    // The message contains the stack of the failure. The stack of this error leads only to the suite.
    this.stack = `${this.name}: ${this.message}`;
  }
}
