import { expect, test } from "vitest";
import { type CaseResult, runSuite } from "../../src/index.js";
import { textReport } from "../../src/report.js";
import { referenceDriver } from "../reference-driver.js";
import { sampleResult } from "./sample-result.js";

test("the report has a line per rule, reasons, failures with a command that replays them, and the levels", () => {
  const lines = textReport(sampleResult, { replay: ({ id, seed }) => `replay ${id} ${seed}` }).split("\n");
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}S4 +results in the order of the keys +1 failed, 1 passed$/));
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}S9 +the reported outcome of every key is true +1 skipped$/));
  expect(lines.some((line) => line.startsWith("Skipped 1 case: "))).toBe(true);
  expect(lines.some((line) => line.startsWith("1) s04-missing-keys (driver): "))).toBe(true);
  expect(lines).toContain("   Replay: replay s04-missing-keys 4711");
  expect(lines).toContain("Levels: batch failed, outcomes failed, abilities failed");
  expect(lines).toContain("4 cases: 2 passed, 1 failed, 1 skipped, in 61.2 s, seed 4711");
});

test("if the driver does not work at all, its error and stack are in the first 20 lines", async () => {
  const driver = Object.assign(referenceDriver(new Map()), {
    get: async () => {
      throw new TypeError("this.pool is undefined");
    },
  });
  const result = await runSuite({ name: "broken", driver: () => driver });
  const start = textReport(result).split("\n").slice(0, 20).join("\n");
  expect(start).toContain("TypeError: this.pool is undefined");
  expect(start).toMatch(/ at .*text-report\.test\.ts/);
});

test("the report of a cancelled run says so, and lists no rule of which no case ran", async () => {
  const harness = { name: "reference", driver: () => referenceDriver(new Map()) };
  const result = await runSuite(harness, { only: ({ rule }) => rule === "S4", signal: AbortSignal.abort() });
  const text = textReport(result);
  expect(text).toContain("The run is incomplete: not every case ran.");
  expect(text).not.toContain("S4 ");
});

test("repeated failures of a cleanup are mentioned", () => {
  const results = sampleResult.results as CaseResult[];
  expect(textReport({ ...sampleResult, results, failedCleanups: 7 })).toContain("The cleanup of 7 cases failed.");
});

test("rejections that stayed unhandled are listed", () => {
  expect(textReport(sampleResult)).toContain("A promise rejection stayed unhandled: Error: ");
});
