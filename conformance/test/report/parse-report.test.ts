import { expect, test } from "vitest";
import { type cases, runSuite, toJson } from "../../src/index.js";
import { htmlReport, junitReport, parseReport, textReport } from "../../src/report.js";
import { type ReferenceData, referenceDriver } from "../reference-driver.js";
import { sampleResult } from "./sample-result.js";

const json = (value: object): string => JSON.stringify(toJson(value));

test("a parsed report yields the same reports as the result of the run", () => {
  const parsed = parseReport(json(sampleResult));
  for (const report of [
    textReport,
    (one: typeof parsed) => htmlReport([one]),
    (one: typeof parsed) => junitReport([one]),
  ])
    expect(report(parsed)).toBe(report(sampleResult));
});

test("the results of real runs can be parsed: one that is complete, and one that was cancelled", async () => {
  const data: ReferenceData = new Map();
  const harness = { name: "reference", driver: () => referenceDriver(data) };
  const only = ({ rule }: (typeof cases)[number]): boolean => rule === "S4";
  const complete = await runSuite(harness, { only });
  expect(parseReport(json(complete))).toEqual(toJson(complete));
  expect(complete.complete).toBe(true);
  const cancelled = await runSuite(harness, { only, signal: AbortSignal.abort() });
  expect(parseReport(json(cancelled))).toMatchObject({ complete: false, counts: { passed: 0, failed: 0 } });
});

test.each([
  ["{", "it is not JSON"],
  ["[]", "`backend` must be a string"],
  ["null", "the report must be an object"],
  [json({ ...sampleResult, seed: "1" }), "`seed` must be an integer"],
  [json({ ...sampleResult, startedAt: "soon" }), "`startedAt` must be a time"],
  [json({ ...sampleResult, complete: 1 }), "`complete` must be true or false"],
  [json({ ...sampleResult, unhandled: [1] }), "`unhandled` must be an array of strings"],
  [json({ ...sampleResult, failedCleanups: undefined }), "`failedCleanups` must be an integer"],
  [json({ ...sampleResult, levels: { batch: "good" } }), "`levels.batch` must be passed, failed or incomplete"],
  [json({ ...sampleResult, results: {} }), "`results` must be an array"],
  [json({ ...sampleResult, results: [1] }), "`results[0]` must be an object"],
  [json({ ...sampleResult, counts: { passed: 3, failed: 1, skipped: 1 } }), "`counts.passed` must be 2"],
  [withCase({ rule: "S99" }), "`results[0]` must have a rule that this version of the suite knows"],
  [withCase({ level: "top" }), "`results[0]` must have a level that this version knows"],
  [withCase({ status: "odd" }), "`results[0]` must have a status"],
  [withCase({ status: "failed" }), "`results[0]` must have a failure only if it failed"],
  [withCase({ status: "skipped" }), "`results[0]` is skipped, so it must have a reason"],
  [withCase({ title: 1 }), "`results[0]` must have an id, a subject and a title"],
  [withCase({ status: "failed", failure: { message: "no" } }), "the failure of `results[0]` must have a phase"],
])("%j is not a report", (text, message) => {
  expect(() => parseReport(text)).toThrow(message);
  expect(() => parseReport(text)).toThrow(TypeError);
});

function withCase(fields: object): string {
  const [first, ...others] = sampleResult.results;
  return json({ ...sampleResult, results: [{ ...first, ...fields }, ...others] });
}
