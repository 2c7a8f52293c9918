import { describe, expect, test } from "vitest";
import { type ConformanceHarness, cases, describeFailure, runCase } from "../../src/index.js";
import { referenceDriver } from "../reference-driver.js";

/** Bugs that only a separate process shows. `child.mjs` creates the driver with the bug. */
const mutants = [
  { bug: "keeps a timer after close", killedBy: "s16-process-close" },
  { bug: "keeps an idle timer after close", killedBy: "s16-process-close" },
  { bug: "keeps a timer while idle", killedBy: "same-process-with-open-store" },
  { bug: "waits with a global timer", killedBy: "same-process-fake-timers" },
  { bug: "assigns a name to an error", killedBy: "same-process-frozen-built-ins" },
] as const;

function harness(bug: string): ConformanceHarness {
  const file = new URL("./child.mjs", import.meta.url);
  return { name: bug, driver: () => referenceDriver(new Map()), child: { file, data: { bug } } };
}

describe("mutants in a child process", () => {
  test.each(mutants)("$killedBy finds a backend that $bug", async ({ bug, killedBy }) => {
    const { failure } = await runCase(caseOf(killedBy), harness(bug));
    expect(failure?.message).toContain("must end with code 0");
  });

  test("a failure shows where a resource that close() left was created", async () => {
    const { failure } = await runCase(caseOf("s16-process-close"), harness("keeps an idle timer after close"));
    expect(failure?.message).toMatch(
      /no timer and no socket may be left.*\nTimeout, created\n {4}at keepAlive .*child\.mjs:/,
    );
  });

  test("a failure shows the causes of the driver's error", async () => {
    const { failure } = await runCase(caseOf("same-process-with-open-store"), harness("throws in set"));
    expect(failure?.message).toMatch(
      /BatchError: (?:.*\n)+Cause: FaultError: failed\n(?:.*\n)+Cause: Error: Unknown column\n/,
    );
  });

  test.each(mutants)("$killedBy passes without the bug", async ({ killedBy }) => {
    const result = await runCase(caseOf(killedBy), harness("has no bug"));
    expect(result.status, describeFailure(result)).toBe("passed");
  });
});

function caseOf(id: string): (typeof cases)[number] {
  const found = cases.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no case has the id ${id}`);
  return found;
}
