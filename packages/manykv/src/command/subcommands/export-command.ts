import { performance } from "node:perf_hooks";
import type { Bucket } from "@manykv/core";
import type { Command } from "commander";
import type { RecordFormat } from "../../records/record-format.js";
import { listPages } from "../../transfer/list-pages.js";
import { readValues } from "../../transfer/read-values.js";
import { CommandError } from "../command-error.js";
import { type ExitCode, exitCode } from "../exit-code.js";
import { formatFor } from "../formats.js";
import type { Interrupt } from "../interrupt.js";
import { formatBytes, formatCount, formatSeconds, say } from "../messages.js";
import {
  addBucketOptions,
  addFormatOptions,
  type BucketFlags,
  batchSizeOption,
  type FormatFlags,
} from "../options.js";
import { type Output, openOutput, ReaderGone } from "../output.js";
import { Progress } from "../progress.js";
import { withBucket } from "../with-bucket.js";
import type { Finish } from "./finish.js";

interface ExportFlags extends BucketFlags, FormatFlags {
  readonly prefix: string;
  readonly batchSize: number;
}

export function addExportCommand(program: Command, finish: Finish): void {
  const command = program
    .command("export")
    .summary("write all records to a file")
    .description("Write all records of a bucket to a file, or to standard output, in no particular order.")
    .argument("[file]", "file to write, - for standard output", "-");
  addFormatOptions(addBucketOptions(command))
    .option("--prefix <text>", "only keys that start with this; the others are listed, but not read", "")
    .addOption(batchSizeOption())
    .addHelpText("after", help)
    .action(finish(runExport));
}

const help = `
NDJSON holds any value: text as "value", other bytes as "base64". CSV holds text
unless --encoding is base64 or hex. What export writes, import reads back byte
for byte with the same options. A file appears when it is whole. Records that
change meanwhile are in as they were before or after; a key may come twice.

Examples
  manykv export countries.ndjson
  manykv export --prefix user: | jq -r .key
  manykv export --encoding base64 backup.csv
  manykv export --store redis://old | manykv import --store postgres://new/database`;

async function runExport(file: string, flags: ExportFlags): Promise<ExitCode> {
  const format = formatFor(file, flags);
  return withBucket(flags, async (bucket, interrupt) => {
    const output = await openOutput(file);
    const counts: Counts = { records: 0, bytes: 0, gone: 0 };
    const startedAt = performance.now();
    const tell = (done: string): void => {
      const size = `${formatBytes(counts.bytes)} in ${formatSeconds(performance.now() - startedAt)}`;
      say(`${done} ${formatCount(counts.records, "record")}, ${size}`);
      if (counts.gone > 0) say(`${formatCount(counts.gone, "key")} went away meanwhile`);
    };
    try {
      await exportRecords(bucket, output, format, flags, counts, interrupt);
      await output.finish();
    } catch (error) {
      await output.abandon();
      if (error instanceof ReaderGone) return exitCode.done;
      tell("not complete: exported only");
      throw error;
    }
    tell("exported");
    return exitCode.done;
  });
}

interface Counts {
  records: number;
  bytes: number;
  /** Keys that were listed, and deleted before they were read. */
  gone: number;
}

async function exportRecords(
  bucket: Bucket,
  output: Output,
  format: RecordFormat,
  flags: ExportFlags,
  counts: Counts,
  interrupt: Interrupt,
): Promise<void> {
  const calls = { signal: interrupt.abort };
  const batches = readValues(listPages(bucket, flags.prefix, calls), {
    read: (keys) => bucket.getMany(keys, calls),
    batchSize: flags.batchSize,
  });
  const progress = new Progress("exporting");
  try {
    if (format.header !== "") await output.write(format.header);
    for await (const { records } of batches) {
      interrupt.stop.throwIfAborted();
      const present = records.filter((record) => record !== undefined);
      const { text, count } = format.format(present);
      await output.write(text);
      counts.records += count;
      counts.gone += records.length - present.length;
      for (const [key, value] of present.slice(0, count)) counts.bytes += key.length + value.length;
      progress.update(counts.records);
      if (count < present.length) throw new CommandError(exitCode.incomplete, notText);
    }
  } finally {
    progress.stop();
  }
}

const notText = "a value is not UTF-8 text, which CSV cannot hold as it is: use --encoding base64, or NDJSON";
