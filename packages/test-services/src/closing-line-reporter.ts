import { writeSync } from "node:fs";
import type { Reporter, TestModule, TestSuite, Vitest } from "vitest/node";

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * Prints `N passed, N failed` or `N passed, N failed, N skipped` for the whole run, as the very last line: after the
 * output of other reporters and after the servers stop.
 *
 * A file that cannot be loaded, a failed hook or setup, an unhandled error and a test that never ended each count as
 * failed. A broken run therefore never looks like a passed one.
 */
export default class ClosingLineReporter implements Reporter {
  // If a run ends before its tests are counted, it counts as one failure.
  #counts: Counts = { passed: 0, failed: 1, skipped: 0 };

  onInit(_vitest: Vitest): void {
    process.once("exit", (code) => {
      if (code !== 0 && this.#counts.failed === 0) this.#counts.failed = 1;
      writeSync(1, `${closingLine(this.#counts)}\n`);
    });
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) count(module, counts);
    this.#counts = counts;
  }
}

function count(module: TestModule, counts: Counts): void {
  counts.failed += failedHooks(module);
  for (const suite of module.children.allSuites()) counts.failed += failedHooks(suite);
  for (const test of module.children.allTests()) {
    const { state } = test.result();
    counts[state === "pending" ? "failed" : state]++;
  }
}

function failedHooks(suite: TestModule | TestSuite): number {
  return suite.errors().length > 0 ? 1 : 0;
}

function closingLine({ passed, failed, skipped }: Counts): string {
  const line = `${passed} passed, ${failed} failed`;
  return skipped === 0 ? line : `${line}, ${skipped} skipped`;
}
