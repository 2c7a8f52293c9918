import { InputError, type Item, type KeyRecord } from "../records/record.js";
import { type RecordFailure, type WriteResult, writeRecords } from "../transfer/write-records.js";
import { describeError, type ExitCode, exitCode } from "./errors.js";
import type { Input } from "./input.js";
import type { Interrupt } from "./interrupt.js";
import type { OutputFlags } from "./options.js";
import { printJson } from "./output.js";
import { Report, rejectSharedOutput } from "./report.js";
import { formatCount, formatTransfer, LimitedMessages, Progress, printMessage, printNote } from "./terminal.js";

export interface WriteFlags extends OutputFlags {
  readonly batchSize: number;
  readonly onError: "stop" | "continue";
  readonly report?: string;
  readonly fromRecord?: number;
}

export interface WriteJob<Read extends KeyRecord> {
  /** Verb for the progress, such as `importing`. `done` is the verb for the summary, such as `imported`. */
  readonly doing: string;
  readonly done: string;
  readonly input: Input | undefined;
  readonly source: AsyncIterable<Item<Read>[]>;
  readonly write: (records: readonly Read[]) => Promise<void>;
  readonly bytesOf: (record: Read) => number;
  /** Returns the message that tells the user how to continue at record `next` after a failure. */
  readonly howToContinue: (next: number) => string;
}

/** Runs a subcommand that writes records. Prints and reports the records that failed, and returns the exit code. */
export async function runWrites<Read extends KeyRecord>(
  job: WriteJob<Read>,
  flags: WriteFlags,
  interrupt: Interrupt,
): Promise<ExitCode> {
  rejectSharedOutput(flags);
  const report = flags.report === undefined ? undefined : await Report.open(flags.report, job.input, interrupt);
  const progress = await Progress.start(job.doing, {
    quiet: flags.quiet,
    total: job.input?.size,
    position: job.input?.position,
  });
  const startedAt = performance.now();
  const messages = new LimitedMessages("record");
  const onFailure = (failure: RecordFailure): Promise<void> | undefined => {
    messages.add(describeFailure(failure));
    const { record, line, key, outcome, code, problem: reason } = failure;
    return report?.add({ record, line, key, outcome, code, reason });
  };
  const result = await writeRecords(job.source, {
    write: job.write,
    bytesOf: job.bytesOf,
    batchSize: flags.batchSize,
    firstRecord: flags.fromRecord,
    continueOnError: flags.onError === "continue",
    onFailure,
    onProgress: (applied) => progress.update(applied),
    stop: interrupt.stop,
  });
  progress.stop();
  await report?.finish(result.totals);
  messages.finish();
  const code = printErrors(result, report?.error);
  if (flags.json) await printJson(result.totals, interrupt.abort);
  printTotals(job, result, startedAt, flags);
  return interrupt.exitCode ?? code;
}

function describeFailure({ line, record, outcome, code, problem }: RecordFailure): string {
  const position = `line ${line} (record ${record})`;
  return `${position}: ${outcome === "unknown" ? "unknown" : "not applied"}: ${problem ?? code}`;
}

function printErrors({ storeError, inputError, totals }: WriteResult, reportError: unknown): ExitCode {
  const errors = [storeError, inputError, reportError].filter((error) => error !== undefined);
  const described = errors.map(describeError);
  for (const { message } of described) printMessage(message);
  return described[0]?.exitCode ?? (totals.next === undefined ? exitCode.done : exitCode.incomplete);
}

function printTotals<Read extends KeyRecord>(
  { done, howToContinue }: WriteJob<Read>,
  { totals, inputError }: WriteResult,
  startedAt: number,
  flags: OutputFlags,
): void {
  const { applied, "not-applied": notApplied, unknown, bytes, last, complete, next } = totals;
  const records = formatCount(applied, "record");
  const transfer = formatTransfer(bytes, startedAt);
  if (next === undefined) {
    printNote(`${done} ${records}, ${transfer}`, flags);
    return;
  }
  printMessage(`${done} ${records}, ${notApplied} not applied, ${unknown} unknown, ${transfer}`);
  if (!complete) {
    const processed = applied + notApplied + unknown;
    printMessage(processed === 0 ? "no record was sent" : `no record after record ${last} was sent`);
  }
  // An `InputError` concerns the whole input, so there is no record at which to continue.
  if (!(inputError instanceof InputError)) printMessage(howToContinue(next));
}
