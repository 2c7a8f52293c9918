import type { SuiteResult } from "@manykv/conformance";
import { type Command, Option } from "commander";
import { levelNames, parseSeed } from "../conformance/choose-cases.js";
import { initHarness } from "../conformance/init-harness.js";
import { type Conformance, loadConformance } from "../conformance/load-conformance.js";
import { moduleHarness } from "../conformance/module-harness.js";
import { addReportOptions, formatReport, type ReportFlags, reportFormats } from "../conformance/report-formats.js";
import { type RunFlags, runConformance } from "../conformance/run-conformance.js";
import { urlHarness } from "../conformance/url-harness.js";
import { descriptorOf } from "../descriptors.js";
import { CommandError, type ExitCode, exitCode } from "../errors.js";
import { readInput } from "../input.js";
import { interrupt } from "../interrupt.js";
import { parseCount, parseDuration, type ToAction } from "../options.js";
import { ReportFiles } from "../report-files.js";
import { rejectSameFile } from "../same-file.js";
import { unlessAborted } from "../unless-aborted.js";

interface ConformanceFlags extends RunFlags {
  readonly provision?: boolean;
  readonly init?: string | true;
}

export function addConformanceCommand(program: Command, toAction: ToAction): void {
  const command = program
    .command("conformance")
    .summary("test a backend with the conformance suite")
    .description("Run the conformance suite of @manykv/conformance against a store or against your own backend.")
    .argument("[target]", "store URL, or module that exports a harness (default: MANYKV_STORE)")
    .addOption(
      new Option("--level <name>", "run only the cases up to a level, and fail unless all pass").choices(levelNames),
    )
    .option("--only <ids...>", "run only these cases")
    .option("--rule <rules...>", "run only the cases of these rules, such as S9")
    .option("--skip <id=reason...>", "skip a case, and report why")
    .addOption(new Option("--seed <number>", "replay the run with this seed").argParser(parseSeed))
    .addOption(
      new Option("--concurrency <count>", "number of cases that run at the same time (default: 4)").argParser(
        parseCount,
      ),
    )
    .addOption(new Option("--timeout <duration>", "time limit of each case (default: 120s)").argParser(parseDuration))
    .option("--provision", "create what the store needs, such as its table, before the run")
    .option("--name <text>", "name of the backend in the reports")
    .option("--json <file>", "write the results as JSON; - for standard output");
  addReportOptions(command)
    .option("-q, --quiet", "print only failures")
    .option(
      "--init [file]",
      "write a harness module that you can adapt to your backend; - for standard output (default: harness.mjs)",
    )
    .helpCommand(false)
    .addHelpText("after", help)
    .action(toAction(run));
  addReportCommand(command, toAction);
}

const help = `
Levels, each of which includes those before it
  batch      the sentences of wasi:keyvalue/batch
  outcomes   every other rule, such as the true outcome of every key when
             something breaks
  abilities  all optional abilities, such as expiry and increments
Without --level, all cases run, and abilities that the backend lacks do not count.
With --only or --rule, only the cases that run count.

The suite writes to buckets with random names and deletes every key that it wrote,
so a store may contain other data. It opens many connections and breaks some of its
own. Do not run it where that load matters.

Examples
  manykv conformance memory:
  manykv conformance redis://localhost:6379 --html report.html --json redis.json
  manykv conformance ./harness.mjs --only s09-set-refused-keys --seed 4711
  manykv conformance ./harness.mjs --level outcomes --junit junit.xml
  manykv conformance report redis.json postgres.json --html report.html
  manykv conformance --init harness.mjs`;

async function run(target: string | undefined, flags: ConformanceFlags): Promise<ExitCode> {
  if (flags.init !== undefined) return init(target, flags);
  const chosen = target ?? process.env["MANYKV_STORE"] ?? "";
  if (chosen === "") {
    throw new CommandError(
      exitCode.usage,
      "no target: pass a store URL or a module that exports a harness, or set MANYKV_STORE. manykv conformance --init writes such a module",
    );
  }
  const conformance = await loadConformance();
  const code = await (isModule(chosen) ? runModule : runUrl)(conformance, chosen, flags);
  endDespiteOpenClients(code);
  return code;
}

/**
 * Ends the process after its output is written. Clients that a failed case or the module left open may keep it alive, and if
 * they do not, Node.js 20 may wait for them forever after the event loop has ended, unless the process calls `exit`.
 */
function endDespiteOpenClients(code: ExitCode): void {
  process.once("beforeExit", () => process.exit(code));
  setTimeout(() => process.exit(code), 2_000).unref();
}

/** Returns whether a target is a path or a `file:` URL. A scheme of one letter is a drive of Windows. */
function isModule(target: string): boolean {
  return !/^(?!file:)[a-z][a-z0-9+.-]+:/i.test(target);
}

async function runModule(conformance: Conformance, target: string, flags: ConformanceFlags): Promise<ExitCode> {
  if (flags.provision)
    throw new CommandError(exitCode.usage, "--provision applies only to a store URL: provision in the module");
  const { harness, close } = await moduleHarness(target);
  try {
    return await runConformance(conformance, harness, { target, flags, interrupt });
  } finally {
    await unlessAborted(interrupt.abort, close());
  }
}

async function runUrl(conformance: Conformance, url: string, flags: ConformanceFlags): Promise<ExitCode> {
  const harness = await unlessAborted(interrupt.stop, urlHarness(url, flags.provision === true));
  // The URL may contain a password.
  const target = /[@?]/.test(url) ? "TARGET" : url;
  return runConformance(conformance, harness, { target, flags, interrupt });
}

async function init(target: string | undefined, { init: file, ...others }: ConformanceFlags): Promise<ExitCode> {
  if (target !== undefined || Object.keys(others).length > 0)
    throw new CommandError(exitCode.usage, "--init writes a module and runs nothing: remove the other arguments");
  await initHarness(file === true || file === undefined ? "harness.mjs" : file, interrupt.stop);
  return exitCode.done;
}

function addReportCommand(conformance: Command, toAction: ToAction): void {
  const command = conformance
    .command("report")
    .summary("compare the JSON results of several runs")
    .description("Read the JSON results of one or more runs and write reports. Without options, print them as text.")
    .argument("<files...>", "files that --json wrote");
  addReportOptions(command).addHelpText("after", reportHelp).action(toAction(runReport));
}

const reportHelp = `
Example
  manykv conformance report redis.json postgres.json --html report.html`;

async function runReport(paths: readonly string[], flags: ReportFlags): Promise<ExitCode> {
  await rejectReplacedResults(paths, flags);
  const conformance = await loadConformance();
  const results: SuiteResult[] = [];
  for (const path of paths) {
    const text = (await readInput(path, interrupt.stop)).toString();
    try {
      results.push(conformance.parseReport(text));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new CommandError(
        exitCode.usage,
        `${JSON.stringify(path)} is not a result that manykv conformance --json wrote: ${error.message}`,
      );
    }
  }
  const files = await ReportFiles.open(reportFormats, flags, interrupt);
  await files.write((format) => formatReport(format, conformance, results));
  if (flags.html === undefined && flags.junit === undefined)
    await files.print(results.map((result) => conformance.textReport(result)).join("\n"));
  return exitCode.done;
}

/** Throws if a report would replace one of the results that it is made of. */
async function rejectReplacedResults(paths: readonly string[], { junit, html }: ReportFlags): Promise<void> {
  for (const path of paths) {
    if (descriptorOf(path, 0) !== undefined) continue;
    for (const [name, report] of Object.entries({ "--junit": junit, "--html": html }))
      if (report !== undefined)
        await rejectSameFile([
          [JSON.stringify(path), path],
          [name, report],
        ]);
  }
}
