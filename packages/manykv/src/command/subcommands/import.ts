import type { Entry } from "@manykv/core";
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
  ttlOption,
} from "../options.js";
import { runWrites, type WriteFlags } from "../run-writes.js";
import { unlessAborted } from "../unless-aborted.js";
import { warnOfDataLoss } from "../warn-of-data-loss.js";
import { withBucket } from "../with-bucket.js";

type ImportFlags = BucketFlags & ReadFlags & WriteFlags & { readonly ttl?: number; readonly provision?: boolean };

export function addImportCommand(program: Command, toAction: ToAction): void {
  const command = program
    .command("import")
    .summary("write the records of a file to the store")
    .description("Write the records of a file or of standard input to the store. Safe to repeat.")
    .argument("[file]", "file to read, or - for standard input", "-");
  addWriteOptions(addFormatOptions(addBucketOptions(command)))
    .addOption(ttlOption("time to live of records without their own"))
    .option("--key-field <name>", "NDJSON: use this member as the key and the whole record as the value")
    .option("--ignore-other-columns", "CSV: ignore columns other than those of keys, values and ttl")
    .option("--provision", "first create what the store needs, such as its table")
    .addOption(new Option("--from-record <number>", "start at this record number").argParser(parseCount).default(1))
    .addHelpText("after", help)
    .action(toAction(runImport));
}

const help = `
Formats
  NDJSON   {"key": "fr", "value": "France"}      one per line; text values
           {"key": "fr", "base64": "RnJhbmNl"}   values of any bytes
  CSV      a header and the columns "key" and "value"
  A record that expires also has the member or column "ttl": its time to live in
  milliseconds from the import. A record without ttl, or with an empty column, does
  not expire, unless --ttl is passed.

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
  manykv import --ttl 12h sessions.ndjson
  manykv import --on-error continue --report failed.ndjson countries.ndjson
  manykv import --from-record 4001 countries.ndjson
  manykv export --store redis://old | manykv import --provision --store postgres://new/database`;

async function runImport(file: string, flags: ImportFlags): Promise<ExitCode> {
  const read = await readerFor(file, flags);
  return withBucket(flags, async (bucket, interrupt, store) => {
    const input = await openInput(file, interrupt.stop);
    if (flags.provision) await unlessAborted(interrupt.stop, store.provision());
    if (!flags.quiet) await warnOfDataLoss(store, { timeout: flags.timeout, signal: interrupt.stop });
    return runWrites(
      {
        doing: "importing",
        done: "imported",
        input,
        source: read(input.chunks, bucket.limits),
        write: (records) =>
          bucket.setMany(
            records.map(({ key, value, ttl }): Entry => (ttl === undefined ? [key, value] : [key, value, { ttl }])),
            { ttl: flags.ttl, signal: interrupt.abort },
          ),
        bytesOf: ({ key, value }) => key.length + value.length,
        howToContinue: (next) =>
          input.size === undefined ? repeatAll : `to continue, run the same command with --from-record ${next}`,
      },
      flags,
      interrupt,
    );
  });
}

// Another export, for example, has the records in another order, so no record number tells where to continue.
const repeatAll =
  "to continue, run the whole import again, which is safe to repeat. To move records between stores, use manykv copy, which continues where it stopped";
