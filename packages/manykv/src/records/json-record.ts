import { Buffer } from "node:buffer";
import { decodeValue, encodeValue } from "./value-encoding.js";

/** A parsed line, or what is wrong with it. */
export type JsonRecord =
  | { readonly key: string; readonly value: Uint8Array }
  | { readonly refusal: string; readonly key?: string };

/**
 * A record is `{"key": "...", "value": "text"}` or, for bytes that are no text, `{"key": "...", "base64": "..."}`.
 * Other members are refused, as they would get lost.
 */
export function parseRecord(line: string): JsonRecord {
  const members = parseObject(line);
  if (members === undefined) return { refusal: "it is not a JSON object" };
  const { key, value, base64, ...others } = members;
  if (typeof key !== "string") return { refusal: 'it has no "key" that is a string' };
  if (Object.keys(others).length > 0) {
    return { key, refusal: 'it has members other than "key", "value" and "base64"' };
  }
  if ((value === undefined) === (base64 === undefined)) {
    return { key, refusal: 'it needs either "value" or "base64"' };
  }
  return value === undefined ? fromBase64(key, base64) : fromText(key, value);
}

/** Any JSON object is a record, whose key stands in one of its members; the line itself, as it stands, is the value. */
export function parseRecordWithKeyField(line: string, keyField: string): JsonRecord {
  const members = parseObject(line);
  if (members === undefined) return { refusal: "it is not a JSON object" };
  const key = Object.hasOwn(members, keyField) ? keyOf(members[keyField]) : undefined;
  if (key === undefined) {
    return {
      refusal: "its key field is missing, or neither a string nor an integer that JavaScript can hold",
    };
  }
  return { key, value: Buffer.from(line.trim()) };
}

/** The line for a record: text where the value reads as text, else base64. */
export function formatRecord(key: string, value: Uint8Array): string {
  const text = encodeValue(value, "utf8");
  if (text !== undefined && !hasControlCharacter.test(text)) return JSON.stringify({ key, value: text });
  return JSON.stringify({ key, base64: encodeValue(value, "base64") });
}

// Control characters other than tab, line feed and carriage return: JSON would blow each of them up to six bytes.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const hasControlCharacter = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/;

function fromText(key: string, text: unknown): JsonRecord {
  if (typeof text !== "string") {
    return { key, refusal: 'its "value" is not a string; --key-field stores whole records' };
  }
  const value = decodeValue(text, "utf8");
  return value === undefined ? { key, refusal: 'its "value" holds a lone surrogate' } : { key, value };
}

function fromBase64(key: string, text: unknown): JsonRecord {
  const value = typeof text === "string" ? decodeValue(text, "base64") : undefined;
  return value === undefined
    ? { key, refusal: 'its "base64" is not padded standard base64' }
    : { key, value };
}

/** Of an integer that JSON can write and JavaScript can't hold, several would become one key. */
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
