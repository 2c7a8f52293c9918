import { type Markup, markup } from "@manykv/page";
import { describeFailure } from "../failure.js";
import type { CaseResult, SuiteResult } from "../results.js";

/**
 * Returns a JUnit XML report, as Jenkins, GitLab and Maven's tools read it: one test suite per result, one test case per
 * case, with the reason of every skip.
 */
export function junitReport(results: readonly SuiteResult[]): string {
  return `${
    markup`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="manykv conformance">
${results.map(suiteOf)}</testsuites>`.text
  }\n`;
}

function suiteOf(result: SuiteResult): Markup {
  const { backend, results, counts, startedAt, milliseconds } = result;
  return markup`<testsuite name="${backend}" tests="${results.length}" failures="${counts.failed}" errors="0" skipped="${counts.skipped}" time="${seconds(milliseconds)}" timestamp="${startedAt.slice(0, 19)}">
<properties>
${propertiesOf(result).map(([name, value]) => markup`<property name="${name}" value="${value}"/>\n`)}</properties>
${results.map((each) => caseOf(backend, each))}</testsuite>\n`;
}

function propertiesOf({
  server,
  seed,
  complete,
  unhandled,
  levels,
}: SuiteResult): readonly (readonly [string, string])[] {
  return [
    ...(server === undefined ? [] : [["server", server] as const]),
    ["seed", String(seed)],
    ["complete", String(complete)],
    ...unhandled.map((text) => ["unhandled rejection", text] as const),
    ...Object.entries(levels).map(([level, status]) => [`level ${level}`, status] as const),
  ];
}

function caseOf(backend: string, result: CaseResult): Markup {
  const { id, rule, title, milliseconds } = result;
  // Tools group test cases by class, and a dot in a class starts a package.
  const group = `${backend.replaceAll(".", "_")}.${rule}`;
  return markup`<testcase classname="${group}" name="${id}: ${title}" time="${seconds(milliseconds)}">${endOf(result)}</testcase>\n`;
}

function endOf(result: CaseResult): Markup | undefined {
  if (result.status === "skipped") return markup`<skipped message="${result.reason ?? ""}"/>`;
  if (result.failure === undefined) return undefined;
  const { phase, message } = result.failure;
  const [firstLine = ""] = message.split("\n");
  return markup`<failure type="${phase}" message="${firstLine}">${describeFailure(result)}</failure>`;
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3);
}
