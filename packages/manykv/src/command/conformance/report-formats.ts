import type { SuiteResult } from "@manykv/conformance";
import type { Command } from "commander";
import type { Conformance } from "./load-conformance.js";

export interface ReportFlags {
  readonly json?: string;
  readonly junit?: string;
  readonly html?: string;
}

export function addReportOptions(command: Command): Command {
  return command
    .option("--html <file>", "write an HTML page that shows rules, backends and cases; - for standard output")
    .option("--junit <file>", "write JUnit XML for CI servers; - for standard output");
}

export type ReportFormat = keyof ReportFlags;

export const reportFormats: readonly ReportFormat[] = ["json", "junit", "html"];

/** Returns the text of a report. JSON contains only the first result. */
export function formatReport(
  format: ReportFormat,
  { toJson, junitReport, htmlReport }: Conformance,
  results: readonly SuiteResult[],
): string {
  if (format === "junit") return junitReport(results);
  if (format === "html") return htmlReport(results);
  return `${JSON.stringify(toJson(results[0] as SuiteResult), undefined, 2)}\n`;
}
