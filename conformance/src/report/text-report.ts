import { describeFailure } from "../failure.js";
import type { CaseResult, SuiteResult } from "../results.js";
import { rules } from "../rules.js";
import { byReason, byRule, describeCounts } from "./group-results.js";

/** Options of `textReport`. */
export interface TextReportOptions {
  /** Returns the command that replays a failed case. Default: the report names only the seed. */
  readonly replay?: ((result: CaseResult) => string) | undefined;
}

/**
 * Returns a result as text for a terminal: a line per rule, the reasons of skips, the failures, and the levels. If the
 * smoke case failed, the text starts with its failure.
 */
export function textReport(result: SuiteResult, { replay }: TextReportOptions = {}): string {
  const { backend, server, results, unhandled } = result;
  // A line for each rule of which no case ran would only hide why.
  const shown = results.filter(({ skip }) => skip !== "not-run");
  const failed = results.filter(({ status }) => status === "failed");
  const blocks = [
    [server === undefined ? backend : `${backend}: ${server}`],
    table(byRule(shown).map(({ name, results: ofRule }) => [name, rules[name], describeCounts(ofRule)])),
    byReason(results).map(({ name, results: skipped }) => `Skipped ${cases(skipped.length)}: ${name}`),
    ...failed.map((each, index) => failureOf(each, index + 1, replay)),
    unhandled.map((text) => `A promise rejection stayed unhandled: ${text}`),
    totalsOf(result),
  ];
  if (failed[0]?.failure?.phase === "smoke") blocks.splice(1, 2);
  const texts = blocks.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return `${texts.join("\n\n")}\n`;
}

function table(rows: readonly (readonly [name: string, heading: string, counts: string])[]): readonly string[] {
  const widths = [0, 1].map((column) => Math.max(0, ...rows.map((row) => (row[column] as string).length)));
  return rows.map(
    ([name, heading, counts]) =>
      `  ${name.padEnd(widths[0] as number)}  ${heading.padEnd(widths[1] as number)}  ${counts}`,
  );
}

function failureOf(result: CaseResult, number: number, replay: TextReportOptions["replay"]): readonly string[] {
  const lines = [
    `${number}) ${describeFailure(result)}`,
    ...(replay === undefined ? [] : [`Replay: ${replay(result)}`]),
  ];
  const [first = "", ...others] = lines.join("\n").split("\n");
  return [first, ...others.map((line) => (line === "" ? line : `   ${line}`))];
}

function totalsOf({ results, counts, failedCleanups, complete, levels, milliseconds, seed }: SuiteResult): string[] {
  const { passed, failed, skipped } = counts;
  const lines = [
    `Levels: ${Object.entries(levels)
      .map(([level, status]) => `${level} ${status}`)
      .join(", ")}`,
    `${cases(results.length)}: ${passed} passed, ${failed} failed, ${skipped} skipped, in ${(milliseconds / 1000).toFixed(1)} s, seed ${seed}`,
  ];
  if (!complete) lines.unshift("The run is incomplete: not every case ran.");
  if (failedCleanups > 1)
    lines.unshift(`The cleanup of ${failedCleanups} cases failed. Each different error counts once.`);
  return lines;
}

function cases(count: number): string {
  return `${count} ${count === 1 ? "case" : "cases"}`;
}
