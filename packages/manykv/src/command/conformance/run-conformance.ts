import { inspect } from "node:util";
import type { ConformanceHarness, SuiteEvent, SuiteResult } from "@manykv/conformance";
import { CommandError, type ExitCode, exitCode } from "../errors.js";
import type { Interrupt } from "../interrupt.js";
import { ReportFiles } from "../report-files.js";
import { formatCount, Progress, printMessage } from "../terminal.js";
import { unlessAborted } from "../unless-aborted.js";
import { type CaseFlags, chosenCases, withSkips } from "./choose-cases.js";
import type { Conformance } from "./load-conformance.js";
import { formatReport, type ReportFlags, reportFormats } from "./report-formats.js";

export interface RunFlags extends CaseFlags, ReportFlags {
  readonly name?: string;
  readonly seed?: number;
  readonly concurrency?: number;
  readonly timeout?: number;
  readonly quiet?: boolean;
}

/** Time for the cases to delete their keys and close their clients after the first signal, in milliseconds. */
const cleanupMilliseconds = 20_000;

/** Runs the suite, writes the reports and returns the exit code. `target` is the text of the target in messages. */
export async function runConformance(
  conformance: Conformance,
  harness: ConformanceHarness,
  { target, flags, interrupt }: { readonly target: string; readonly flags: RunFlags; readonly interrupt: Interrupt },
): Promise<ExitCode> {
  const only = chosenCases(conformance, flags);
  const complete = withSkips(conformance, harness, flags.skip);
  const { name = complete.name, seed = complete.seed } = flags;
  const files = await ReportFiles.open(reportFormats, flags, interrupt);
  interrupt.grace = cleanupMilliseconds;
  const strays = new StrayErrors();
  const display = new RunDisplay(flags.quiet === true);
  let result: SuiteResult;
  try {
    const run = conformance.runSuite(
      { ...complete, name, seed },
      {
        only,
        onEvent: (event) => display.show(event),
        signal: interrupt.stop,
        caseTimeout: flags.timeout,
        concurrency: flags.concurrency,
      },
    );
    result = await unlessAborted(interrupt.abort, run);
  } catch (error) {
    await files.abandon();
    // The suite throws it for an invalid harness.
    throw error instanceof TypeError ? new CommandError(exitCode.usage, error.message) : error;
  } finally {
    display.stop();
    strays.stop();
  }
  await files.write((format) => formatReport(format, conformance, [result]));
  const replay = ({ id, seed }: { id: string; seed: number }): string =>
    `manykv conformance ${target} --only ${id} --seed ${seed}`;
  const text = flags.quiet ? failuresOf(conformance, result) : conformance.textReport(result, { replay });
  await files.print(text);
  for (const error of strays.errors)
    printMessage(`the backend threw an exception that nothing caught: ${inspect(error)}`);
  return interrupt.exitCode ?? judge(result, flags, strays.errors.length);
}

function failuresOf({ describeFailure }: Conformance, { results }: SuiteResult): string {
  return results
    .filter(({ status }) => status === "failed")
    .map((each) => `${describeFailure(each)}\n\n`)
    .join("");
}

/** Returns the exit code for a run, and says why it is not 0 if the report does not. */
function judge(
  { results, levels, counts, unhandled }: SuiteResult,
  { level, only }: RunFlags,
  strays: number,
): ExitCode {
  if (counts.failed > 0 || unhandled.length > 0 || strays > 0) return exitCode.incomplete;
  if (level !== undefined) {
    if (levels[level] === "passed") return exitCode.done;
    printMessage(`the backend does not reach the level ${level}: some of its cases were skipped`);
    return exitCode.incomplete;
  }
  // The smoke case comes first and always runs, so it does not count.
  const [smoke] = results;
  const isChosen = (id: string): boolean => only?.includes(id) ?? id !== smoke?.id;
  if (results.some(({ id, status }) => status === "passed" && isChosen(id))) return exitCode.done;
  printMessage("none of the chosen cases ran");
  return exitCode.incomplete;
}

/** Shows the progress on a terminal. Elsewhere, prints a line for each failure, because a run can take minutes. */
class RunDisplay {
  readonly #quiet: boolean;
  #progress: Promise<Progress> | undefined;
  #ended = 0;

  constructor(quiet: boolean) {
    this.#quiet = quiet;
  }

  show(event: SuiteEvent): void {
    if (this.#quiet) return;
    if (event.type === "start") {
      if (!process.stderr.isTTY) printMessage(`testing ${event.backend}: ${formatCount(event.cases, "case")}`);
      this.#progress = Progress.start(`testing ${event.backend}`, {
        total: event.cases,
        position: () => this.#ended,
        noun: "cases",
      });
    }
    if (event.type !== "case-end" || event.result.skip === "not-run") return;
    const { id, failure } = event.result;
    this.#ended++;
    void this.#progress?.then((progress) => progress.update(this.#ended));
    if (failure !== undefined && !process.stderr.isTTY)
      printMessage(`failed ${id}: ${failure.message.split("\n", 1)[0]}`);
  }

  stop(): void {
    void this.#progress?.then((progress) => progress.stop());
  }
}

/** Collects exceptions that would otherwise end the process. The suite itself collects unhandled rejections. */
class StrayErrors {
  readonly errors: unknown[] = [];
  readonly #note = (error: unknown): void => {
    this.errors.push(error);
  };

  constructor() {
    process.on("uncaughtException", this.#note);
  }

  stop(): void {
    process.off("uncaughtException", this.#note);
  }
}
