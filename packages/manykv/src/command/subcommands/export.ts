import type { Command } from "commander";
import { ndjsonWriter } from "../../records/ndjson.js";
import type { RecordWriter } from "../../records/record.js";
import { listPages, type ReadBatch, readValues, recordReader } from "../../transfer/read-values.js";
import { isStandardOutput } from "../descriptors.js";
import { CommandError, type ExitCode, exitCode, ReaderClosed } from "../errors.js";
import { printNoKeys } from "../no-keys.js";
import {
  addBucketOptions,
  addFormatOptions,
  type BucketFlags,
  batchSizeOption,
  type FormatFlags,
  type OutputFlags,
  prefixOption,
  type ToAction,
  writerFor,
} from "../options.js";
import { type Output, openOutput, printJson } from "../output.js";
import { replaceFile } from "../replace-file.js";
import { formatCount, formatTransfer, Progress, printNote } from "../terminal.js";
import { withBucket } from "../with-bucket.js";

interface ExportFlags extends BucketFlags, FormatFlags {
  readonly prefix?: string;
  readonly batchSize: number;
  readonly allowEmpty?: boolean;
}

export function addExportCommand(program: Command, toAction: ToAction): void {
  const command = program
    .command("export")
    .summary("write all records to a file")
    .description("Write all records of a bucket to a file or to standard output, in no particular order.")
    .argument("[file]", "file to write, or - for standard output", "-");
  addFormatOptions(addBucketOptions(command))
    .addOption(prefixOption("export only keys that start with this text"))
    .addOption(batchSizeOption())
    .option("--allow-empty", "succeed even if the bucket has no keys")
    .addHelpText("after", help)
    .action(toAction(runExport));
}

const help = `
NDJSON represents any value: text as "value", other bytes as "base64". CSV
represents text, or any value with --encoding base64 or hex. With the same
options, import restores exactly what export wrote. An existing file is replaced
when the export is complete. If that is impossible, for example for a mount point,
export overwrites the file. A record that changes during the export has its old or
its new value and ttl. A key may be exported twice.

A record that expires has the member or column "ttl": the time that is left, in
milliseconds. When you import the record, this time starts again.

If the bucket has no keys, the exit code is 1, and an existing file does not change,
unless you pass --allow-empty.

Examples
  manykv export countries.ndjson
  manykv export --prefix user: | jq -r .key
  manykv export --encoding base64 backup.csv
  manykv export --store redis://old | manykv import --store postgres://new/database`;

async function runExport(file: string, flags: ExportFlags): Promise<ExitCode> {
  const writer = await writerFor(file, flags);
  const isPrinted = isStandardOutput(file);
  if (flags.json && isPrinted && writer !== ndjsonWriter)
    throw new CommandError(exitCode.usage, "--json and --format csv contradict each other: pass a file, or only one");
  return withBucket(flags, async (bucket, { stop }, store) => {
    const output = await openOutput(file, replaceFile, stop);
    const counts: Counts = { records: 0, bytes: 0, missing: 0 };
    const startedAt = performance.now();
    const printCounts = (done: string): void => {
      printNote(`${done} ${formatCount(counts.records, "record")}, ${formatTransfer(counts.bytes, startedAt)}`, flags);
      if (counts.missing > 0)
        printNote(`${formatCount(counts.missing, "key")} deleted or expired during the export`, flags);
    };
    try {
      const calls = { signal: stop };
      const read = await recordReader(store, bucket, calls);
      const batches = readValues(listPages(bucket, flags.prefix, calls), { read, batchSize: flags.batchSize });
      await exportRecords(batches, output, writer, counts, flags);
      const isEmpty = counts.records + counts.missing === 0;
      if (isEmpty && !flags.allowEmpty) {
        await output.abandon();
        await printNoKeys(store, flags.bucket, { prefix: flags.prefix, signal: stop });
        return exitCode.incomplete;
      }
      await output.finish();
    } catch (error) {
      await output.abandon();
      if (error instanceof ReaderClosed) return exitCode.done;
      printCounts("incomplete: exported only");
      throw error;
    }
    if (flags.json && !isPrinted) await printJson(counts, stop);
    printCounts("exported");
    return exitCode.done;
  });
}

interface Counts {
  records: number;
  bytes: number;
  /** Number of keys that were deleted or expired after the export listed them and before it read them. */
  missing: number;
}

async function exportRecords(
  batches: AsyncIterable<ReadBatch>,
  output: Output,
  writer: RecordWriter,
  counts: Counts,
  flags: OutputFlags,
): Promise<void> {
  const progress = await Progress.start("exporting", flags);
  try {
    if (writer.header !== "") await output.write(writer.header);
    for await (const { records } of batches) {
      const present = records.filter((record) => record !== undefined);
      const { text, count } = writer.format(present);
      await output.write(text);
      counts.records += count;
      counts.missing += records.length - present.length;
      for (const [key, value] of present.slice(0, count)) counts.bytes += key.length + value.length;
      progress.update(counts.records);
      if (count < present.length) throw new CommandError(exitCode.incomplete, notText);
    }
  } finally {
    progress.stop();
  }
}

const notText = "a value is not UTF-8 text, so CSV cannot represent it: pass --encoding base64 or --format ndjson";
