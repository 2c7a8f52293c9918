import type { Buffer } from "node:buffer";
import type { Limits } from "@manykv/core";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { CsvFormat } from "../records/csv.js";
import { ndjsonWriter, readNdjson } from "../records/ndjson.js";
import {
  type Item,
  type RecordWriter,
  type ValueEncoding,
  type ValueRecord,
  valueEncodings,
} from "../records/record.js";
import { CommandError, type ExitCode, exitCode } from "./errors.js";

/** Turns a function that returns an exit code into the action of a subcommand. */
export type ToAction = <Parameters extends unknown[]>(
  run: (...parameters: Parameters) => Promise<ExitCode>,
) => (...parameters: Parameters) => Promise<void>;

/** Options of nearly every subcommand. */
export interface OutputFlags {
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}

/** Options of every subcommand that opens a store. */
export interface ClientFlags {
  readonly backend?: string;
  readonly timeout: number;
}

export interface StoreFlags extends ClientFlags, OutputFlags {
  readonly store?: string;
}

/** Options of every subcommand that opens a bucket. */
export interface BucketFlags extends StoreFlags {
  readonly bucket: string;
}

export function addStoreOptions(command: Command): Command {
  return addOutputOptions(
    addClientOptions(
      command.addOption(
        new Option("-s, --store <url>", "URL of the store; other users can see a password in arguments").env(
          "MANYKV_STORE",
        ),
      ),
    ),
  );
}

/** Adds the options of subcommands whose arguments are the URLs of their stores. */
export function addClientOptions(command: Command): Command {
  return command
    .option("--backend <module>", "module for a URL scheme that manykv does not know: a path or an installed package")
    .addOption(
      new Option("--timeout <duration>", "time limit of each call to the store; without a unit, in milliseconds")
        .argParser(parseDuration)
        .default(30_000, "30s"),
    );
}

export function addOutputOptions(command: Command): Command {
  return command
    .option("--json", "print the result as JSON to standard output")
    .option("-q, --quiet", "print no progress and no summary, only errors");
}

export function addBucketOptions(command: Command): Command {
  return addStoreOptions(command).option("-b, --bucket <name>", "bucket to use", "default");
}

/** Adds the options of subcommands that write many records. */
export function addWriteOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--on-error <action>", "what to do after a failure: stop sending, or continue with the next record")
        .choices(["stop", "continue"])
        .default("stop"),
    )
    .option("--report <file>", "write a JSON line for each failed record and for the totals; - for standard output")
    .addOption(batchSizeOption());
}

/** Adds the options of subcommands that delete keys that the user does not name one by one. */
export function addListedOptions(command: Command, scope = ""): Command {
  return command
    .option("--yes", `${scope}delete the keys; without this option, nothing is deleted`)
    .option("--dry-run", `${scope}print the number of keys, and delete nothing`);
}

export function batchSizeOption(): Option {
  return new Option("--batch-size <count>", "maximum number of records in one call to the store")
    .argParser(parseCount)
    .default(2000);
}

/** Parses an integer of 1 or more. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(count) && count >= 1) return count;
  throw new InvalidArgumentError("Pass an integer of 1 or more.");
}

/** Parses a duration such as `30m`, and returns it in milliseconds. */
export function parseDuration(text: string): number {
  const [, count, unit = "ms"] = /^(\d+)(ms|s|m|h|d)?$/.exec(text) ?? [];
  const duration = Number(count) * millisecondsOf[unit as keyof typeof millisecondsOf];
  if (Number.isSafeInteger(duration) && duration >= 1) return duration;
  throw new InvalidArgumentError("Pass an integer of 1 or more with a unit, such as 500ms, 30s, 30m, 12h or 7d.");
}

const millisecondsOf = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

export function ttlOption(what: string): Option {
  return new Option("--ttl <duration>", `${what}, such as 500ms, 30s, 30m, 12h or 7d`).argParser((text) => {
    // A user who omits the unit may mean seconds, and keys that expire too early are lost.
    if (/^\d+$/.test(text))
      throw new InvalidArgumentError(`Add a unit: ${text}ms, ${text}s, ${text}m, ${text}h or ${text}d.`);
    return parseDuration(text);
  });
}

export function prefixOption(description: string): Option {
  return new Option("--prefix <text>", description);
}

/** Makes the command fail if an option with a value is repeated. Commander would silently use only the last value. */
export function rejectRepeatedOptions(command: Command): void {
  for (const option of command.options) {
    // The default of an option that collects its values is a list.
    if (!option.required || option.variadic || Array.isArray(option.defaultValue)) continue;
    let isUsed = false;
    command.on(`option:${option.name()}`, () => {
      if (isUsed) command.error(`error: option '${option.flags}' is repeated. Pass this option only once.`);
      isUsed = true;
    });
  }
}

/** Options for the format of a file of records. */
export interface FormatFlags {
  readonly format?: "ndjson" | "csv";
  readonly keyColumn?: string;
  readonly valueColumn?: string;
  readonly ttlColumn?: string;
  readonly encoding?: ValueEncoding;
  readonly delimiter?: string;
}

export function addFormatOptions(command: Command): Command {
  return command
    .addOption(
      new Option("-f, --format <name>", "ndjson or csv (default: csv if the file ends in .csv)").choices([
        "ndjson",
        "csv",
      ]),
    )
    .option("--key-column <name>", 'CSV: column of the keys (default: "key")')
    .option("--value-column <name>", 'CSV: column of the values (default: "value")')
    .option("--ttl-column <name>", 'CSV: column of the times to live in milliseconds (default: "ttl")')
    .addOption(new Option("--encoding <name>", 'CSV: encoding of the values (default: "utf8")').choices(valueEncodings))
    .addOption(
      new Option("--delimiter <character>", 'CSV: character between the columns, or "tab" (default: ",")').argParser(
        parseDelimiter,
      ),
    );
}

function parseDelimiter(text: string): string {
  if (text === "tab") return "\t";
  if (/^[^"\r\n]$/u.test(text)) return text;
  throw new InvalidArgumentError("Pass one character that is neither a quote nor a line break, or pass tab.");
}

export interface ReadFlags extends FormatFlags {
  readonly keyField?: string;
  readonly ignoreOtherColumns?: boolean;
  readonly fromRecord: number;
}

export type RecordReader = (chunks: AsyncIterable<Buffer>, limits: Limits) => AsyncIterable<Item<ValueRecord>[]>;

/** Returns the reader for the format that the options or the file's extension select. */
export async function readerFor(path: string, flags: ReadFlags): Promise<RecordReader> {
  const { keyField, fromRecord } = flags;
  if (formatOf(path, flags) === "ndjson") {
    rejectFlags("csv", { ...csvFlags(flags), "--ignore-other-columns": flags.ignoreOtherColumns });
    return (chunks, limits) => readNdjson(chunks, { keyField, fromRecord, limits });
  }
  rejectFlags("ndjson", { "--key-field": keyField });
  const { ignoreOtherColumns = false } = flags;
  const requiresTtl = flags.ttlColumn !== undefined;
  const { readCsv } = await loadCsv();
  return (chunks, limits) =>
    readCsv(chunks, { ...csvFormat(flags), requiresTtl, ignoreOtherColumns, fromRecord, limits });
}

/** Returns the writer for the format that the options or the file's extension select. */
export async function writerFor(path: string, flags: FormatFlags): Promise<RecordWriter> {
  if (formatOf(path, flags) === "csv") {
    const { csvWriter } = await loadCsv();
    return csvWriter(csvFormat(flags));
  }
  rejectFlags("csv", csvFlags(flags));
  return ndjsonWriter;
}

/** Loads the CSV libraries only if CSV is used, because loading them slows the start of the command. */
function loadCsv(): Promise<typeof import("../records/csv.js")> {
  return import("../records/csv.js");
}

function formatOf(path: string, flags: FormatFlags): "ndjson" | "csv" {
  return flags.format ?? (path.toLowerCase().endsWith(".csv") ? "csv" : "ndjson");
}

function csvFormat({
  keyColumn = "key",
  valueColumn = "value",
  ttlColumn = "ttl",
  encoding = "utf8",
  delimiter = ",",
}: FormatFlags): CsvFormat {
  if (new Set([keyColumn, valueColumn, ttlColumn]).size < 3) {
    throw new CommandError(
      exitCode.usage,
      '--key-column, --value-column and --ttl-column (default: "ttl") must name different columns',
    );
  }
  return { keyColumn, valueColumn, ttlColumn, encoding, delimiter };
}

function csvFlags(flags: FormatFlags): Record<string, unknown> {
  const { keyColumn, valueColumn, ttlColumn, encoding, delimiter } = flags;
  return {
    "--key-column": keyColumn,
    "--value-column": valueColumn,
    "--ttl-column": ttlColumn,
    "--encoding": encoding,
    "--delimiter": delimiter,
  };
}

/** Throws if one of the options is set, because it applies only to `format` and would be ignored. */
function rejectFlags(format: string, options: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined) throw new CommandError(exitCode.usage, `${name} requires --format ${format}`);
  }
}
