import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describeFailure, runSuite } from "@manykv/conformance";
import type { Driver } from "@manykv/core/driver";
import { describe, expect, test } from "vitest";

/** A fault of a library, and the cases that fail because of it. */
export interface Fault {
  /** Name of the script in `proofs` that shows the fault with the library alone. */
  readonly proof: string;
  /** Occurs in the report of each failure. */
  readonly report: RegExp;
  readonly cases: readonly string[];
  /** Cases that fail only if calls overlap in an unlucky way. */
  readonly sometimes?: readonly string[];
}

export interface Adapter {
  readonly name: string;
  /** The file of the adapter in `src/adapters`. */
  readonly file: string;
  readonly driver: () => Driver;
  readonly faults: readonly Fault[];
  /** The argument of each proof: the URL of a server, or the path of an empty folder. */
  readonly target?: string;
}

/** Tests that exactly the known cases fail, each because of a fault that a script shows with the library alone. */
export function testAdapter({ name, file, driver, faults, target }: Adapter): void {
  describe(name, () => {
    test("exactly the known cases fail, each for the known reason", { timeout: 900_000 }, async () => {
      // A fixed seed, because random calls do not find every fault in every run.
      const result = await runSuite({ name, driver, seed: 1, modelRuns: 50 }, { concurrency: 6 });
      console.log(`${name}: ${Math.round(result.milliseconds / 1_000)} s, ${JSON.stringify(result.counts)}`);
      expect(result).toMatchObject({ complete: true, failedCleanups: 0, unhandled: [] });
      const unexplained: string[] = [];
      const failed = new Set<string>();
      for (const each of result.results.filter(({ status }) => status === "failed")) {
        failed.add(each.id);
        const fault = faults.find(({ cases, sometimes = [] }) => [...cases, ...sometimes].includes(each.id));
        const report = describeFailure(each);
        if (fault === undefined || !fault.report.test(report)) unexplained.push(report);
      }
      expect(unexplained.join("\n\n")).toBe("");
      const passed = faults.flatMap(({ cases }) => cases.filter((id) => !failed.has(id)));
      expect(passed, "these cases pass now: correct the list and the table in the README").toEqual([]);
    });

    test.each(faults)("$proof shows a fault of the library", ({ proof }) => {
      const script = fileURLToPath(new URL(`../../proofs/${proof}.mjs`, import.meta.url));
      const source = readFileSync(script, "utf8");
      expect(source).not.toContain("manykv");
      expect(source.trimEnd().split("\n").length).toBeLessThanOrEqual(20);
      const run = spawnSync(process.execPath, [script, ...(target === undefined ? [] : [target])], {
        encoding: "utf8",
      });
      // 1 also means that the script failed, but then it does not print this.
      expect(run.stdout, run.stderr).toMatch(/^expected: .+\ngot: .+\n$/);
      expect(run.status, "the library no longer has this fault").toBe(1);
    });

    test("the adapter has fewer than 60 lines", () => {
      const source = readFileSync(new URL(`../../src/adapters/${file}`, import.meta.url), "utf8");
      expect(source.trimEnd().split("\n").length).toBeLessThan(60);
    });
  });
}
