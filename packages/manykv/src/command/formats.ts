import type { Buffer } from "node:buffer";
import type { Limits } from "@manykv/core";
import { readCsv } from "../records/csv-reader.js";
import { readNdjson } from "../records/ndjson-reader.js";
import type { Item, ValueRecord } from "../records/record.js";
import { csvFormat, ndjsonFormat, type RecordFormat } from "../records/record-format.js";
import { CommandError } from "./command-error.js";
import { exitCode } from "./exit-code.js";
import type { FormatFlags } from "./options.js";

export interface ReadFlags extends FormatFlags {
  readonly keyField?: string;
  readonly ignoreOtherColumns?: boolean;
  readonly fromRecord: number;
}

export type RecordReader = (
  chunks: AsyncIterable<Buffer>,
  limits: Limits,
) => AsyncIterable<Item<ValueRecord>[]>;

/** The reader for what the options and the file's ending say. */
export function readerFor(path: string, flags: ReadFlags): RecordReader {
  const { keyField, fromRecord } = flags;
  if (formatOf(path, flags) === "ndjson") {
    refuseOptions("csv", { ...csvFlags(flags), "--ignore-other-columns": flags.ignoreOtherColumns });
    return (chunks, limits) => readNdjson(chunks, { keyField, fromRecord, limits });
  }
  refuseOptions("ndjson", { "--key-field": keyField });
  const { keyColumn = "key", valueColumn = "value", encoding = "utf8", ignoreOtherColumns = false } = flags;
  return (chunks, limits) =>
    readCsv(chunks, { keyColumn, valueColumn, encoding, ignoreOtherColumns, fromRecord, limits });
}

/** The format for what the options and the file's ending say. */
export function formatFor(path: string, flags: FormatFlags): RecordFormat {
  if (formatOf(path, flags) === "csv") {
    return csvFormat(flags.keyColumn ?? "key", flags.valueColumn ?? "value", flags.encoding ?? "utf8");
  }
  refuseOptions("csv", csvFlags(flags));
  return ndjsonFormat;
}

function formatOf(path: string, flags: FormatFlags): "ndjson" | "csv" {
  return flags.format ?? (path.toLowerCase().endsWith(".csv") ? "csv" : "ndjson");
}

function csvFlags({ keyColumn, valueColumn, encoding }: FormatFlags): Record<string, unknown> {
  return { "--key-column": keyColumn, "--value-column": valueColumn, "--encoding": encoding };
}

/** An option that has no effect is a mistake that nobody would see. */
function refuseOptions(format: string, options: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined) {
      throw new CommandError(exitCode.usage, `${name} goes with --format ${format} only`);
    }
  }
}
