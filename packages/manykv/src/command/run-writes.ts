import { performance } from "node:perf_hooks";
import { InputError } from "../records/input-error.js";
import type { Item, KeyRecord } from "../records/record.js";
import type { Failure } from "../transfer/totals.js";
import { type WriteResult, writeRecords } from "../transfer/write-records.js";
import { describeError } from "./command-error.js";
import { type ExitCode, exitCode } from "./exit-code.js";
import type { Input } from "./input.js";
import type { Interrupt } from "./interrupt.js";
import { formatBytes, formatCount, formatSeconds, say } from "./messages.js";
import { Progress } from "./progress.js";
import { Report } from "./report.js";

export interface WriteFlags {
  readonly batchSize: number;
  readonly onError: "stop" | "continue";
  readonly report?: string;
  readonly fromRecord?: number;
}

export interface WriteJob<Read extends KeyRecord> {
  /** What happens to the records, as `importing`, and what happened to them, as `imported`. */
  readonly doing: string;
  readonly done: string;
  readonly input: Input | undefined;
  readonly source: AsyncIterable<Item<Read>[]>;
  readonly write: (records: readonly Read[]) => Promise<void>;
  readonly bytesOf: (record: Read) => number;
  /** How to go on from a record after a failure. */
  readonly goOn: (next: number) => string;
}

/** How many failures are told on the terminal; the report has them all. */
const toldFailures = 10;

/** Runs a writing command, tells which records are in, which are not and which may be, and gives its exit code. */
export async function runWrites<Read extends KeyRecord>(
  job: WriteJob<Read>,
  flags: WriteFlags,
  interrupt: Interrupt,
): Promise<ExitCode> {
  const report = flags.report === undefined ? undefined : await Report.open(flags.report, job.input);
  const progress = new Progress(job.doing, job.input?.size, job.input?.position);
  const startedAt = performance.now();
  let failures = 0;
  const onFailure = (failure: Failure): Promise<void> | undefined => {
    if (++failures <= toldFailures) say(describeFailure(failure));
    return report?.add(failure);
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
  if (failures > toldFailures) say(`... and ${formatCount(failures - toldFailures, "more record")}`);
  const code = tellErrors(result, report?.error);
  tellTotals(job, result, performance.now() - startedAt);
  return interrupt.exitCode ?? code;
}

function describeFailure({ line, record, outcome, code, refusal }: Failure): string {
  const place = `line ${line} (record ${record})`;
  return `${place}: ${outcome === "unknown" ? "unknown" : "not applied"}: ${refusal ?? code}`;
}

function tellTotals<Read extends KeyRecord>(
  job: WriteJob<Read>,
  { totals, inputError }: WriteResult,
  time: number,
): void {
  const { applied, unknown, bytes, last, complete, next } = totals;
  const size = `${formatBytes(bytes)} in ${formatSeconds(time)}`;
  if (next === undefined) {
    say(`${job.done} ${formatCount(applied, "record")}, ${size}`);
    return;
  }
  const notApplied = totals["not-applied"];
  say(
    `${job.done} ${formatCount(applied, "record")}, ${notApplied} not applied, ${unknown} unknown, ${size}`,
  );
  const told = applied + notApplied + unknown;
  if (!complete) say(told === 0 ? "no record was sent" : `no record after record ${last} was sent`);
  // What is no input as a whole has no record to go on from.
  if (!(inputError instanceof InputError)) say(job.goOn(next));
}

function tellErrors({ storeError, inputError, totals }: WriteResult, reportError: unknown): ExitCode {
  const errors = [storeError, inputError, reportError].filter((error) => error !== undefined);
  const described = errors.map(describeError);
  for (const { message } of described) say(message);
  return described[0]?.exitCode ?? (totals.next === undefined ? exitCode.done : exitCode.incomplete);
}
