import { type Buffer, isUtf8 } from "node:buffer";
import { notUtf8 } from "./lines.js";
import { InputError } from "./record.js";

export interface HeaderOptions {
  readonly keyColumn: string;
  readonly valueColumn: string;
  readonly ttlColumn: string;
  /** Whether the column `ttlColumn` must exist. */
  readonly requiresTtl: boolean;
  readonly delimiter: string;
  /** Whether to ignore columns other than these three. If `false`, such columns are an error. */
  readonly ignoreOtherColumns: boolean;
}

/** Indexes of the columns that are imported, and the number of all columns. */
export interface Columns {
  readonly key: number;
  readonly value: number;
  readonly ttl: number | undefined;
  readonly count: number;
}

/** Finds the columns in the parsed header. `line` contains the bytes of the header. */
export function columnsOf(header: readonly Buffer[], line: Buffer, options: HeaderOptions): Columns {
  const names = header.map((name) => (isUtf8(name) ? name.toString() : undefined));
  const indexOf = (name: string, option: string): number => {
    const index = names.indexOf(name);
    if (index !== -1 && names.lastIndexOf(name) === index) return index;
    throw new InputError(problemOf(line, options) ?? columnProblem(names, name, option));
  };
  const key = indexOf(options.keyColumn, "--key-column");
  const value = indexOf(options.valueColumn, "--value-column");
  const hasTtl = options.requiresTtl || names.includes(options.ttlColumn);
  const ttl = hasTtl ? indexOf(options.ttlColumn, "--ttl-column") : undefined;
  if (names.length > (hasTtl ? 3 : 2) && !options.ignoreOtherColumns) {
    throw new InputError(
      `the CSV header has ${names.length} columns, but only the columns ${JSON.stringify(options.keyColumn)}, ${JSON.stringify(options.valueColumn)} and ${JSON.stringify(options.ttlColumn)} can be imported: pass --ignore-other-columns to ignore the others`,
    );
  }
  return { key, value, ttl, count: names.length };
}

/** Returns the error for a header that cannot be parsed. */
export function malformedHeader(line: Buffer, options: HeaderOptions): InputError {
  const problem = "the CSV header, which is the first line, is malformed: its quotes do not follow RFC 4180";
  return new InputError(problemOf(line, options) ?? problem);
}

function columnProblem(names: readonly (string | undefined)[], name: string, option: string): string {
  const count = names.filter((other) => other === name).length;
  const needed = `the CSV header, which is the first line, must have exactly one column named ${JSON.stringify(name)}`;
  if (count > 0) return `${needed}, but has ${count}: rename one, or choose another column with ${option}`;
  const similar = names.find((other) => other !== undefined && simplified(other) === simplified(name));
  if (similar === undefined) return `${needed}: choose another name with ${option}`;
  return `${needed}, but has ${JSON.stringify(similar)}. Case and blanks matter: pass ${option} ${JSON.stringify(similar)}`;
}

function simplified(name: string): string {
  return name.trim().toLowerCase();
}

/** Describes the input if it is not CSV in UTF-8 with the expected delimiter. Returns `undefined` otherwise. */
function problemOf(line: Buffer, { keyColumn, delimiter }: HeaderOptions): string | undefined {
  if (!isUtf8(line)) return `the CSV header is ${notUtf8}`;
  const text = line.toString().trimStart();
  if (/^[{[]/.test(text)) return "the input looks like JSON, not CSV: pass --format ndjson";
  if (text.startsWith("<")) return "the input looks like HTML or XML, not CSV";
  if (/^"?sep=/i.test(text)) {
    return "the first line of the CSV input sets the delimiter for Excel (sep=): remove the line, for example with `tail -n +2`, and pass the delimiter with --delimiter";
  }
  for (const [name, other, argument] of delimiters) {
    if (other === delimiter || !text.includes(other)) continue;
    const columns = text.split(other).map((column) => column.replace(/^"(.*)"$/, "$1"));
    if (columns.includes(keyColumn) || !text.includes(delimiter))
      return `${name} separate the columns of the CSV header: pass --delimiter ${argument}`;
  }
  return undefined;
}

const delimiters: readonly (readonly [name: string, delimiter: string, argument: string])[] = [
  ["commas", ",", "','"],
  ["semicolons", ";", "';'"],
  ["tabs", "\t", "tab"],
  ["vertical bars", "|", "'|'"],
];
