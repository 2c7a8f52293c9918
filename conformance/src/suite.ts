import { cases } from "./cases/index.js";
import { checkHarness } from "./check-harness.js";
import type { ConformanceCase } from "./conformance-case.js";
import type { ConformanceHarness } from "./harness.js";
import { type Rule, rules } from "./rules.js";
import { runCase, testTimeoutOf } from "./run-case.js";
import { type Runner, skipOf } from "./runner.js";
import { SkipCase } from "./skip-case.js";

/**
 * Defines one test per case and groups the tests by rule. The name of a test contains the id, the subject and the title
 * of its case. For each skipped case, the suite prints a line with the reason.
 *
 * @throws {TypeError} if a field of the harness is missing, unknown or of the wrong type, or if `skip` names an unknown
 * case, contains an empty reason, or leaves no case to run.
 */
export function conformanceSuite(runner: Runner, harness: ConformanceHarness): void {
  checkHarness(harness);
  const skipped = skippedCases(harness);
  if (skipped.size === cases.length)
    throw new TypeError(`${harness.name}: \`skip\` leaves no conformance case to run: remove ids from it`);
  runner.describe(`${harness.name} conformance`, () => {
    for (const [rule, group] of byRule())
      runner.describe(`${rule}: ${rules[rule]}`, () => {
        for (const one of group) define(runner, harness, one, skipped.get(one.id));
      });
  });
}

/** Returns the ids of the cases that this harness skips, each with the reason. */
function skippedCases(harness: ConformanceHarness): ReadonlyMap<string, string> {
  const skipped = new Map<string, string>();
  if (harness.servers === undefined)
    for (const { id, subject } of cases) if (subject === "network") skipped.set(id, "the harness has no `servers`");
  const ids = new Set(cases.map((one) => one.id));
  for (const [id, reason] of Object.entries(harness.skip ?? {})) {
    if (!ids.has(id))
      throw new TypeError(
        `${harness.name}: \`skip\` names ${id}, but no case has this id: see docs/cases.md of @manykv/conformance`,
      );
    if (reason.trim() === "") throw new TypeError(`${harness.name}: \`skip\` must contain a reason for ${id}`);
    skipped.set(id, reason);
  }
  return skipped;
}

function byRule(): ReadonlyMap<Rule, readonly ConformanceCase[]> {
  const groups = new Map<Rule, ConformanceCase[]>();
  for (const one of cases) groups.set(one.rule, [...(groups.get(one.rule) ?? []), one]);
  return groups;
}

function define({ test }: Runner, harness: ConformanceHarness, one: ConformanceCase, reason: string | undefined): void {
  const name = `${one.id} (${one.subject}): ${one.title}`;
  if (reason !== undefined) {
    printSkip(harness, one, reason);
    const skip = skipOf(test);
    const body = async (): Promise<void> => {};
    return void (skip ?? test)(`${name} (skipped: ${reason})`, body, testTimeoutOf(harness));
  }
  // Declares no parameter: Jest and Bun treat a declared parameter as a callback and wait for the test to call it.
  const body = async (...given: unknown[]): Promise<void> => {
    try {
      await runCase(one, harness);
    } catch (error) {
      if (!(error instanceof SkipCase)) throw error;
      printSkip(harness, one, error.message);
      skipRunning(given[0], error.message);
    }
  };
  test(name, body, testTimeoutOf(harness));
}

function printSkip(harness: ConformanceHarness, { id }: ConformanceCase, reason: string): void {
  console.log(`${harness.name}: skipped ${id}: ${reason}`);
}

/** Marks the running test as skipped if the runner passes a test context with a `skip` method. */
function skipRunning(testContext: unknown, reason: string): void {
  const context = testContext as { skip?: (reason: string) => void } | undefined;
  if (typeof context?.skip === "function") context.skip(reason);
}
