import { type Command, Option } from "commander";
import type { ExitCode } from "../exit-code.js";
import { type ReadFlags, readerFor } from "../formats.js";
import { openInput } from "../input.js";
import {
  addBucketOptions,
  addFormatOptions,
  addWriteOptions,
  type BucketFlags,
  parseCount,
} from "../options.js";
import { runWrites, type WriteFlags } from "../run-writes.js";
import { withBucket } from "../with-bucket.js";
import type { Finish } from "./finish.js";

export function addImportCommand(program: Command, finish: Finish): void {
  const command = program
    .command("import")
    .summary("set the records of a file")
    .description("Set the records of a file, or of standard input. Running it again does no harm.")
    .argument("[file]", "file to read, - for standard input", "-");
  addWriteOptions(addFormatOptions(addBucketOptions(command)))
    .option("--key-field <name>", "NDJSON: take each whole record as the value, and its key from this member")
    .option("--ignore-other-columns", "CSV: allow columns that are neither key nor value")
    .addOption(
      new Option("--from-record <number>", "go on from this record").argParser(parseCount).default(1),
    )
    .addHelpText("after", help)
    .action(finish(runImport));
}

const help = `
Formats
  NDJSON   {"key": "fr", "value": "France"}      a line each; text values
           {"key": "fr", "base64": "RnJhbmNl"}   values of any bytes
  CSV      a header and two columns, "key" and "value"

A failure
  The lines on standard error and the report say which records were not written
  ("not applied") and which may have been ("unknown"). Every record up to the
  last one sent that is not among them is in the store. Records are counted
  from 1, without the CSV header and blank lines.

Examples
  manykv import countries.ndjson
  manykv import --key-field id users.ndjson
  manykv import --format csv --key-column code --value-column name - < countries.csv
  manykv import --on-error continue --report failed.ndjson countries.ndjson
  manykv import --from-record 4001 countries.ndjson`;

async function runImport(file: string, flags: BucketFlags & ReadFlags & WriteFlags): Promise<ExitCode> {
  const read = readerFor(file, flags);
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
        goOn: (next) => `to go on, run the same command with --from-record ${next}`,
      },
      flags,
      interrupt,
    );
  });
}
