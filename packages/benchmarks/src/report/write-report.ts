import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { verdicts } from "./acceptance.js";
import { page } from "./page/page.js";
import type { Report } from "./report.js";

/** Writes the report as JSON and as a page. Gives the paths. */
export async function writeReport(report: Report, folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const acceptance = verdicts(report);
  const json = join(folder, "report.json");
  const html = join(folder, "report.html");
  await writeFile(json, JSON.stringify({ ...report, acceptance }, undefined, 1));
  await writeFile(html, page(report, acceptance));
  return [json, html];
}
