import { cases } from "./cases/index.js";
import { checkHarness } from "./check-harness.js";
import type { ConformanceCase } from "./conformance-case.js";
import type { ConformanceHarness } from "./harness.js";
import { type Rule, rules } from "./rules.js";
import { runCase, testTimeout } from "./run-case.js";
import { type Runner, skipOf } from "./runner.js";
import { SkipCase } from "./skip-case.js";

/**
 * Defines one test per case, grouped by rule. A test's name contains the case's id and subject. The suite prints each
 * skipped case with the reason.
 *
 * @throws {TypeError} if the harness has no `name` or `driver` or an unknown field, or if `skip` names an unknown case,
 * gives no reason, or leaves no case to run.
 */
export function conformanceSuite(runner: Runner, harness: ConformanceHarness): void {
  checkHarness(harness);
  const skipped = skippedCases(harness);
  if (skipped.size === cases.length) throw new TypeError(`${harness.name}: \`skip\` leaves no conformance case to run`);
  runner.describe(`${harness.name} conformance`, () => {
    for (const [rule, group] of byRule())
      runner.describe(`${rule}: ${rules[rule]}`, () => {
        for (const one of group) define(runner, harness, one, skipped.get(one.id));
      });
  });
}

/** Returns the reason for each case that this harness skips. */
function skippedCases(harness: ConformanceHarness): ReadonlyMap<string, string> {
  const skipped = new Map<string, string>();
  if (harness.servers === undefined)
    for (const { id, subject } of cases) if (subject === "network") skipped.set(id, "the harness has no `servers`");
  const ids = new Set(cases.map((one) => one.id));
  for (const [id, reason] of Object.entries(harness.skip ?? {})) {
    if (!ids.has(id)) throw new TypeError(`${harness.name}: \`skip\` names ${id}, but no case has this id`);
    if (reason.trim() === "") throw new TypeError(`${harness.name}: \`skip\` needs a reason for ${id}`);
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
    return void (skip ?? test)(`${name} (skipped: ${reason})`, body, testTimeout);
  }
  // No declared parameter: Jest and Bun would take it for a callback and wait until it is called.
  const body = async (...given: unknown[]): Promise<void> => {
    try {
      await runCase(one, harness);
    } catch (error) {
      if (!(error instanceof SkipCase)) throw error;
      printSkip(harness, one, error.message);
      skipRunning(given[0], error.message);
    }
  };
  test(name, body, testTimeout);
}

function printSkip(harness: ConformanceHarness, { id }: ConformanceCase, reason: string): void {
  console.log(`${harness.name}: skipped ${id}: ${reason}`);
}

/** Marks the running test as skipped if the runner supports it. */
function skipRunning(testContext: unknown, reason: string): void {
  const context = testContext as { skip?: (reason: string) => void } | undefined;
  if (typeof context?.skip === "function") context.skip(reason);
}
