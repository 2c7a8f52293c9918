import { type Command, Option } from "commander";
import type { ExitCode } from "../errors.js";
import { openInput } from "../input.js";
import {
  addBucketOptions,
  addFormatOptions,
  addWriteOptions,
  type BucketFlags,
  parseCount,
  type ReadFlags,
  readerFor,
  type ToAction,
} from "../options.js";
import { runWrites, type WriteFlags } from "../run-writes.js";
import { withBucket } from "../with-bucket.js";

export function addImportCommand(program: Command, toAction: ToAction): void {
  const command = program
    .command("import")
    .summary("write the records of a file to the store")
    .description("Write the records of a file or of standard input to the store. Safe to repeat.")
    .argument("[file]", "file to read, or - for standard input", "-");
  addWriteOptions(addFormatOptions(addBucketOptions(command)))
    .option("--key-field <name>", "NDJSON: use this member as the key and the whole record as the value")
    .option("--ignore-other-columns", "CSV: ignore columns other than the key column and the value column")
    .addOption(new Option("--from-record <number>", "start at this record number").argParser(parseCount).default(1))
    .addHelpText("after", help)
    .action(toAction(runImport));
}

const help = `
Formats
  NDJSON   {"key": "fr", "value": "France"}      one per line; text values
           {"key": "fr", "base64": "RnJhbmNl"}   values of any bytes
  CSV      a header and two columns, "key" and "value"

Failures
  The report lists each record that was not written ("not applied") or may have
  been written ("unknown"). Standard error lists the first ten of them. Every other
  record up to the last one sent is in the store. Record numbers start at 1 and do
  not count the CSV header and blank lines.

Examples
  manykv import countries.ndjson
  manykv import --key-field id users.ndjson
  manykv import --format csv --key-column code --value-column name - < countries.csv
  manykv import --delimiter ';' countries.csv
  manykv import --on-error continue --report failed.ndjson countries.ndjson
  manykv import --from-record 4001 countries.ndjson`;

async function runImport(file: string, flags: BucketFlags & ReadFlags & WriteFlags): Promise<ExitCode> {
  const read = await readerFor(file, flags);
  return withBucket(flags, async (bucket, interrupt) => {
    const input = await openInput(file, interrupt.stop);
    return runWrites(
      {
        doing: "importing",
        done: "imported",
        input,
        source: read(input.chunks, bucket.limits),
        write: (records) =>
          bucket.setMany(
            records.map(({ key, value }) => [key, value] as const),
            { signal: interrupt.abort },
          ),
        bytesOf: ({ key, value }) => key.length + value.length,
        howToContinue: (next) => `to continue, run the same command with --from-record ${next}`,
      },
      flags,
      interrupt,
    );
  });
}
