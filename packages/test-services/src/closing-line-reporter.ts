import { writeSync } from "node:fs";
import type { Reporter, TestModule, TestSuite, Vitest } from "vitest/node";

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * Prints `N passed, N failed` or `N passed, N failed, N skipped` for the whole run, alone on the very last line, so
 * after the other reporters and the teardown of the servers.
 *
 * Whatever is not a test and breaks counts as failed too: a file that cannot be loaded, a hook, an unhandled
 * error, a setup. A test that never ended is failed. So a broken run never reads as passed.
 */
export default class ClosingLineReporter implements Reporter {
  // Until the run ends well enough to be counted, it counts as one failure.
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
  counts.failed += brokenHooks(module);
  for (const suite of module.children.allSuites()) counts.failed += brokenHooks(suite);
  for (const test of module.children.allTests()) {
    const { state } = test.result();
    counts[state === "pending" ? "failed" : state]++;
  }
}

function brokenHooks(suite: TestModule | TestSuite): number {
  return suite.errors().length > 0 ? 1 : 0;
}

function closingLine({ passed, failed, skipped }: Counts): string {
  const line = `${passed} passed, ${failed} failed`;
  return skipped === 0 ? line : `${line}, ${skipped} skipped`;
}
