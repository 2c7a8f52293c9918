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
  runner.describe(`${harness.name} conformance`, () => {
    define(runner, run, smokeCase);
    for (const [rule, group] of byRule())
      runner.describe(`${rule}: ${rules[rule]}`, () => {
        for (const one of group) define(runner, run, one);
      });
  });
}

function byRule(): ReadonlyMap<Rule, readonly ConformanceCase[]> {
  const groups = new Map<Rule, ConformanceCase[]>();
  for (const one of cases) if (one !== smokeCase) groups.set(one.rule, [...(groups.get(one.rule) ?? []), one]);
  return groups;
}

function define({ test }: Runner, run: SuiteRun, one: ConformanceCase): void {
  const { harness } = run;
  const name = `${one.id} (${one.subject}): ${one.title}`;
  const skip = run.skipOf(one);
  if (skip !== undefined) {
    printSkip(harness, one, skip.reason);
    const body = async (): Promise<void> => {};
    return void (skipOf(test) ?? test)(`${name} (skipped: ${skip.reason})`, body, testTimeoutOf(harness));
  }
  // Declares no parameter: Jest and Bun treat a declared parameter as a callback and wait for the test to call it.
  const body = async (...given: unknown[]): Promise<void> => {
    const result = await run.run(one);
    const { status, skip, reason = "" } = result;
    if (status === "passed") return;
    if (status === "failed") throw new ConformanceError(result);
    if (skip !== "not-run") printSkip(harness, one, reason);
    const isMarked = skipRunning(given[0], reason);
    if (skip === "not-run" && !isMarked) throw new Error(`not run: ${reason}`);
  };
  test(name, body, testTimeoutOf(harness));
}

function printSkip(harness: ConformanceHarness, { id }: ConformanceCase, reason: string): void {
  console.log(`${harness.name}: skipped ${id}: ${reason}`);
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
    super(describeFailure(result), { cause: result.failure?.error });
    this.name = "ConformanceError";
    this.stack = `${this.name}: ${this.message}\n${result.failure?.stack ?? ""}`;
  }
}
