import { Buffer } from "node:buffer";
import type { Limits } from "@manykv/core";
import { type Line, splitLines, withoutByteOrderMark } from "./lines.js";
import {
  checkFromRecord,
  checkRecord,
  decodeValue,
  encodeValue,
  type Item,
  type Position,
  type RecordWriter,
  type ValueRecord,
} from "./record.js";

export interface NdjsonOptions {
  /** Name of the member that contains the key. If set, the value is the whole line. */
  readonly keyField?: string | undefined;
  /** Number of the first record to yield. Earlier records are only counted. */
  readonly fromRecord: number;
  readonly limits: Limits;
}

/** Reads records from NDJSON (https://github.com/ndjson/ndjson-spec). Skips blank lines. */
export async function* readNdjson(
  chunks: AsyncIterable<Buffer>,
  options: NdjsonOptions,
): AsyncGenerator<Item<ValueRecord>[]> {
  let record = 0;
  for await (const lines of splitLines(withoutByteOrderMark(chunks), maxLineBytes(options.limits))) {
    const items: Item<ValueRecord>[] = [];
    for (const line of lines) {
      if (isBlank(line)) continue;
      record++;
      if (record >= options.fromRecord) items.push(itemOf(line, record, options));
    }
    yield items;
  }
  checkFromRecord(options.fromRecord, record);
}

/** Writes a value as base64 if it is not UTF-8 or contains control characters such as NUL, and as text otherwise. */
export const ndjsonWriter: RecordWriter = {
  header: "",
  format: (records) => ({
    text: records.map(([key, value]) => `${formatRecord(key, value)}\n`).join(""),
    count: records.length,
  }),
};

export function formatRecord(key: string, value: Uint8Array): string {
  const text = encodeValue(value, "utf8");
  if (text !== undefined && !hasControlCharacter.test(text)) return JSON.stringify({ key, value: text });
  return JSON.stringify({ key, base64: encodeValue(value, "base64") });
}

// Control characters other than tab, line feed and carriage return. JSON represents each of them as six bytes.
// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression looks for control characters
const hasControlCharacter = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/;

function itemOf(line: Line, record: number, { keyField, limits }: NdjsonOptions): Item<ValueRecord> {
  const position: Position = { record, line: line.number };
  if ("defect" in line) {
    return line.defect === "not UTF-8"
      ? { ...position, code: "invalid-argument", problem: "it is not UTF-8" }
      : { ...position, code: "too-large", problem: `its line is longer than ${maxLineBytes(limits)} bytes` };
  }
  const parsed = keyField === undefined ? parseRecord(line.text) : parseAnyObject(line.text, keyField);
  if ("problem" in parsed) return { ...position, ...parsed, code: "invalid-argument" };
  return checkRecord(position, parsed.key, parsed.value, limits);
}

/** Returns the maximum length of a line in bytes. JSON can escape 1 byte as 6. 4,096 bytes are for names and spaces. */
function maxLineBytes({ maxKeyBytes, maxValueBytes }: Limits): number {
  return (maxKeyBytes + maxValueBytes) * 6 + 4096;
}

function isBlank(line: Line): boolean {
  return "text" in line && line.text.trim() === "";
}

type ParsedLine =
  | { readonly key: string; readonly value: Uint8Array }
  | { readonly problem: string; readonly key?: string };

/**
 * Parses `{"key": "...", "value": "text"}` or, for bytes that are not text, `{"key": "...", "base64": "..."}`. Rejects
 * other members, because an import would lose them.
 */
function parseRecord(line: string): ParsedLine {
  const members = parseObject(line);
  if (members === undefined) return { problem: "it is not a JSON object" };
  const { key, value, base64, ...others } = members;
  if (typeof key !== "string") return { problem: 'its "key" is not a string' };
  if (Object.keys(others).length > 0) {
    return { key, problem: 'it has members other than "key", "value" and "base64"' };
  }
  if ((value === undefined) === (base64 === undefined)) {
    return { key, problem: 'it must have either "value" or "base64"' };
  }
  return value === undefined ? fromBase64(key, base64) : fromText(key, value);
}

function fromText(key: string, text: unknown): ParsedLine {
  if (typeof text !== "string") {
    return { key, problem: 'its "value" is not a string (to store whole records, pass --key-field)' };
  }
  const value = decodeValue(text, "utf8");
  return value === undefined ? { key, problem: 'its "value" contains a lone surrogate' } : { key, value };
}

function fromBase64(key: string, text: unknown): ParsedLine {
  const value = typeof text === "string" ? decodeValue(text, "base64") : undefined;
  return value === undefined ? { key, problem: 'its "base64" is not standard base64 with padding' } : { key, value };
}

/** Parses any JSON object. The key is the member `keyField`, and the value is the whole line. */
function parseAnyObject(line: string, keyField: string): ParsedLine {
  const members = parseObject(line);
  if (members === undefined) return { problem: "it is not a JSON object" };
  const key = Object.hasOwn(members, keyField) ? keyOf(members[keyField]) : undefined;
  if (key === undefined) return { problem: "its key field is missing, or is neither a string nor a safe integer" };
  return { key, value: Buffer.from(line.trim()) };
}

/** Returns the key for a string or a safe integer. JavaScript would round several unsafe integers to the same key. */
function keyOf(member: unknown): string | undefined {
  if (typeof member === "string") return member;
  return Number.isSafeInteger(member) ? String(member) : undefined;
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    const isObject = typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
    return isObject ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
