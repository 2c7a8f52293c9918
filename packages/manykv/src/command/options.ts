import { type Command, InvalidArgumentError, Option } from "commander";
import { type KeyFormat, keyFormats } from "../records/key-lines.js";
import { type ValueEncoding, valueEncodings } from "../records/value-encoding.js";

/** Options of every subcommand that opens a bucket. */
export interface BucketFlags extends StoreFlags {
  readonly bucket: string;
}

export interface StoreFlags {
  readonly store?: string;
  readonly timeout: number;
}

export interface FormatFlags {
  readonly format?: "ndjson" | "csv";
  readonly keyColumn?: string;
  readonly valueColumn?: string;
  readonly encoding?: ValueEncoding;
}

export function addStoreOptions(command: Command): Command {
  return command
    .addOption(
      new Option("-s, --store <url>", "address of the store; a password is safer in the variable").env(
        "MANYKV_STORE",
      ),
    )
    .addOption(
      new Option("--timeout <milliseconds>", "time that each call to the store may take")
        .argParser(parseCount)
        .default(30_000),
    );
}

export function addBucketOptions(command: Command): Command {
  return addStoreOptions(command).option("-b, --bucket <name>", "bucket to work on", "default");
}

export function addFormatOptions(command: Command): Command {
  return command
    .addOption(
      new Option("-f, --format <name>", "ndjson or csv (default: by the file's ending, else ndjson)").choices(
        ["ndjson", "csv"],
      ),
    )
    .option("--key-column <name>", 'CSV: column of the keys (default: "key")')
    .option("--value-column <name>", 'CSV: column of the values (default: "value")')
    .addOption(
      new Option("--encoding <name>", 'CSV: how values are written (default: "utf8")').choices(
        valueEncodings,
      ),
    );
}

export function keyFormatOption(flags: string, description: string): Option {
  const lines: KeyFormat = "lines";
  return new Option(flags, description).choices(keyFormats).default(lines);
}

/** Options of the subcommands that write many records. */
export function addWriteOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--on-error <action>", "what to do after a record that was not written")
        .choices(["stop", "continue"])
        .default("stop"),
    )
    .option("--report <file>", "write a JSON line for each record that was not written, and the totals")
    .addOption(batchSizeOption());
}

export function batchSizeOption(): Option {
  return new Option("--batch-size <count>", "most records in one call to the store")
    .argParser(parseCount)
    .default(2000);
}

/** A whole number from 1. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(count) && count >= 1) return count;
  throw new InvalidArgumentError("It must be a whole number from 1.");
}
