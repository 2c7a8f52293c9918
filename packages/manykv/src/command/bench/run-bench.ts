import { count } from "@manykv/measure";
import { CommandError, type ExitCode, exitCode } from "../errors.js";
import type { Interrupt } from "../interrupt.js";
import { ReportFiles } from "../report-files.js";
import { formatCount, printMessage } from "../terminal.js";
import { unlessAborted } from "../unless-aborted.js";
import { Deployment, type OpenFlags, randomBucketName } from "./deployment.js";
import { LiveTable } from "./live-table.js";
import { measure } from "./measure.js";
import { labelsOf, nameOfUrl, unique } from "./names.js";
import { keysOf, planOf, type SizePlan } from "./plan.js";
import type { BenchOptions, BenchResult } from "./result.js";
import { textReport } from "./text-report.js";

export interface BenchFlags extends OpenFlags, BenchOptions {
  readonly names?: readonly string[];
  readonly json?: string;
  readonly html?: string;
  readonly quiet?: boolean;
}

/** Time for a call in flight to settle, and to delete the keys of the last round, after the first signal. */
const cleanupMilliseconds = 20_000;

/** A page shows each deployment in another color. */
const maxDeployments = 6;

/** Measures the stores of the URLs, writes the reports and returns the exit code. */
export async function runBench(
  version: string,
  urls: readonly string[],
  flags: BenchFlags,
  interrupt: Interrupt,
): Promise<ExitCode> {
  const { sizes, operations, valueBytes, concurrency, duration, rounds, maxKeys } = flags;
  const options: BenchOptions = { sizes, operations, valueBytes, concurrency, duration, rounds, maxKeys };
  const plans = planOf(options);
  const names = namesOf(urls, flags.names);
  const files = await ReportFiles.open(["json", "html"], flags, interrupt);
  interrupt.grace = cleanupMilliseconds;
  const display = new LiveTable(options, flags.quiet === true);
  const deployments: Deployment[] = [];
  let result: BenchResult;
  let code: ExitCode = exitCode.done;
  try {
    const bucketName = randomBucketName();
    for (const [index, url] of urls.entries()) {
      const named = { url, name: names[index] as string, bucketName: `${bucketName}-${index + 1}` };
      deployments.push(await Deployment.open(named, flags, interrupt.stop));
    }
    const labels = flags.names ?? labelsOf(deployments);
    if (!flags.quiet) printMessage(describePlan(plans, options, bucketName, urls.length));
    const run = measure(deployments, { version, labels, options, plans, interrupt, display });
    result = await unlessAborted(interrupt.abort, run);
  } catch (error) {
    await files.abandon();
    throw error;
  } finally {
    display.stop();
    for (const deployment of deployments) {
      const closed = await deployment.close(interrupt);
      if (code === exitCode.done) code = closed;
    }
  }
  await files.write((format) => formatReport(format, result));
  if (!flags.quiet) await files.print(textReport(result));
  return interrupt.exitCode ?? code;
}

/** Loads what draws the page only if the page is written. */
async function formatReport(format: "json" | "html", result: BenchResult): Promise<string> {
  if (format === "json") return `${JSON.stringify(result, undefined, 2)}\n`;
  const { htmlReport } = await import("./html-report.js");
  return htmlReport(result);
}

function namesOf(urls: readonly string[], names: readonly string[] | undefined): readonly string[] {
  if (urls.length > maxDeployments)
    throw new CommandError(
      exitCode.usage,
      `pass at most ${maxDeployments} stores: a table and a chart cannot show more`,
    );
  if (names === undefined) return unique(urls.map(nameOfUrl));
  if (names.length !== urls.length || new Set(names).size < names.length)
    throw new CommandError(exitCode.usage, "--names needs a different name for each store, in the order of the URLs");
  return names;
}

function describePlan(
  plans: readonly SizePlan[],
  { valueBytes, duration }: BenchOptions,
  bucketName: string,
  stores: number,
): string {
  const keys = formatCount(keysOf(plans), "key");
  const where = stores === 1 ? "the store" : `each of ${stores} stores`;
  const seconds = count(Math.ceil((plans.length * duration * 1.25) / 1000));
  return `writes at most ${keys} of ${count(valueBytes)} bytes to ${where}, in a bucket named ${bucketName}, and deletes them; takes about ${seconds} s or less`;
}
