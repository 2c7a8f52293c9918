import { Buffer } from "node:buffer";
import type { Entry, Limits } from "@manykv/core";
import { numberText, parseObject } from "./json-object.js";
import { isBlank, type Line, lineTooLong, notUtf8, splitLines } from "./lines.js";
import {
  checkFromRecord,
  checkRecord,
  decodeValue,
  encodeValue,
  type Item,
  invalidTtl,
  isTtl,
  type Position,
  type RecordWriter,
  type ValueRecord,
} from "./record.js";
import { textInput } from "./text-input.js";

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
  for await (const lines of splitLines(textInput(chunks), maxLineBytes(options.limits))) {
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
    text: records.map((record) => `${formatRecord(record)}\n`).join(""),
    count: records.length,
  }),
};

export function formatRecord([key, value, { ttl } = {}]: Entry): string {
  const text = encodeValue(value, "utf8");
  if (text !== undefined && !hasControlCharacter.test(text)) return JSON.stringify({ key, value: text, ttl });
  return JSON.stringify({ key, base64: encodeValue(value, "base64"), ttl });
}

// Control characters other than tab, line feed and carriage return. JSON represents each of them as six bytes.
// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression looks for control characters
const hasControlCharacter = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/;

function itemOf(line: Line, record: number, { keyField, limits }: NdjsonOptions): Item<ValueRecord> {
  const position: Position = { record, line: line.number };
  if ("defect" in line) {
    return line.defect === "not UTF-8"
      ? { ...position, code: "invalid-argument", problem: `it is ${notUtf8}` }
      : { ...position, code: "too-large", problem: lineTooLong(maxLineBytes(limits)) };
  }
  const parsed = keyField === undefined ? parseRecord(line.text) : parseAnyObject(line.text, keyField);
  if ("problem" in parsed) {
    const problem = parsed.problem + (record === 1 ? formatHint(line.text.trim()) : "");
    return { ...position, key: parsed.key, code: "invalid-argument", problem };
  }
  return checkRecord(position, parsed, limits);
}

/** Suggests what the input may be instead of NDJSON. `text` is the first record. */
function formatHint(text: string): string {
  if (/^[{[]/.test(text)) return "";
  if (text.startsWith("<")) return "; the input looks like HTML or XML";
  return `; if the input is CSV, pass --format csv${text.includes("\t") ? " --delimiter tab" : ""}`;
}

/** Returns the maximum length of a line in bytes. JSON can escape 1 byte as 6. 4,096 bytes are for names and spaces. */
function maxLineBytes({ maxKeyBytes, maxValueBytes }: Limits): number {
  return (maxKeyBytes + maxValueBytes) * 6 + 4096;
}

type ParsedLine =
  | { readonly key: string; readonly value: Uint8Array; readonly ttl?: number | undefined }
  | { readonly problem: string; readonly key?: string };

/**
 * Parses `{"key": "...", "value": "text"}` or, for bytes that are not text, `{"key": "...", "base64": "..."}`. Both may have
 * the member `"ttl"`. Rejects other members, because an import would lose them.
 */
function parseRecord(line: string): ParsedLine {
  const parsed = parseObject(line);
  if ("problem" in parsed) return parsed;
  const { key, value, base64, ttl, ...others } = parsed.members;
  if (key === undefined) return { problem: 'it has no "key" (to use another member as the key, pass --key-field)' };
  if (typeof key !== "string") return { problem: 'its "key" is not a string' };
  if (Object.keys(others).length > 0) {
    return { key, problem: 'it has members other than "key", "value", "base64" and "ttl"' };
  }
  // `JSON.parse` rounds other numbers, such as 1.00000000000000000001.
  if (ttl !== undefined && !(isTtl(ttl) && numberText(line, "ttl") === String(ttl)))
    return { key, problem: `its "ttl" is ${invalidTtl}` };
  if ((value === undefined) === (base64 === undefined)) {
    return { key, problem: 'it must have either "value" or "base64"' };
  }
  return { ...(value === undefined ? fromBase64(key, base64) : fromText(key, value)), ttl };
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
  const parsed = parseObject(line);
  if ("problem" in parsed) return parsed;
  if (!Object.hasOwn(parsed.members, keyField)) return { problem: "it has no member with the name of the key field" };
  const key = keyOf(parsed.members[keyField], line, keyField);
  if (key === undefined)
    return { problem: "its key field is neither a string nor a safe integer in plain digits, such as 42" };
  return { key, value: Buffer.from(line.trim()) };
}

/** Returns a string or an integer as a key. Rejects a number that JavaScript would round or write differently. */
function keyOf(member: unknown, line: string, keyField: string): string | undefined {
  if (typeof member === "string") return member;
  if (!Number.isSafeInteger(member) || numberText(line, keyField) !== String(member)) return undefined;
  return String(member);
}
