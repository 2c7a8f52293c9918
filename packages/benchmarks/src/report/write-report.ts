import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { verdicts } from "./acceptance.js";
import type { Report } from "./report.js";

/** Writes the report as JSON and as a page. Gives the paths. */
export async function writeReport(report: Report, folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const json = join(folder, "report.json");
  await writeFile(json, JSON.stringify({ ...report, acceptance: verdicts(report) }, undefined, 1));
  return [json];
}
