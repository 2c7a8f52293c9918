import { Buffer, isUtf8 } from "node:buffer";
import type { Entry, Limits } from "@manykv/core";

/** The position of a record in its input. */
export interface Position {
  /** 1-based number of the record. A CSV header and blank lines are not counted. */
  readonly record: number;
  /** 1-based number of the line where the record starts. */
  readonly line: number;
}

export interface KeyRecord extends Position {
  readonly key: string;
}

export interface ValueRecord extends KeyRecord {
  readonly value: Uint8Array;
  /** Time to live in milliseconds. Absent if the record does not expire. */
  readonly ttl?: number | undefined;
}

/** A record that cannot be written. */
export interface RejectedRecord extends Position {
  readonly key?: string | undefined;
  readonly code: "invalid-argument" | "too-large";
  /** Describes what is wrong with the record. Contains neither its key nor its value. */
  readonly problem: string;
  /** Set if the rest of the input cannot be read. */
  readonly endsInput?: true;
}

export type Item<Read extends KeyRecord> = Read | RejectedRecord;

export function isRejected<Read extends KeyRecord>(item: Item<Read>): item is RejectedRecord {
  return "problem" in item;
}

/** Returns a record, or a rejected record if the key is invalid, because the store would reject its whole batch. */
export function checkKey({ record, line }: Position, key: string, limits: Limits): Item<KeyRecord> {
  if (!key.isWellFormed()) {
    return { record, line, key, code: "invalid-argument", problem: "its key contains a lone surrogate" };
  }
  // A UTF-16 code unit takes at most three bytes of UTF-8.
  if (key.length * 3 <= limits.maxKeyBytes) return { record, line, key };
  const bytes = Buffer.byteLength(key);
  if (bytes <= limits.maxKeyBytes) return { record, line, key };
  const problem = `its key has ${bytes} bytes, and the store's limit is ${limits.maxKeyBytes}`;
  return { record, line, key, code: "too-large", problem };
}

/** Returns a record, or a rejected record if the key or the value is invalid. */
export function checkRecord(
  position: Position,
  { key, value, ttl }: Omit<ValueRecord, keyof Position>,
  limits: Limits,
): Item<ValueRecord> {
  const checked = checkKey(position, key, limits);
  if (isRejected(checked)) return checked;
  if (value.length <= limits.maxValueBytes) return { ...checked, value, ttl };
  const problem = `its value has ${value.length} bytes, and the store's limit is ${limits.maxValueBytes}`;
  return { ...checked, code: "too-large", problem };
}

/** Returns whether a store accepts the value as a time to live in milliseconds. */
export function isTtl(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

/** Describes a time to live that {@link isTtl} rejects, and says what to do. */
export const invalidTtl =
  "not an integer number of milliseconds in plain digits, at least 1 (a record that does not expire has no ttl)";

/** Thrown if the input as a whole cannot be read as records. */
export class InputError extends Error {
  override readonly name: string = "InputError";
}

/** Throws if `fromRecord` is past the end of the input, that is, larger than the number of records plus one. */
export function checkFromRecord(fromRecord: number, records: number): void {
  if (fromRecord <= records + 1) return;
  throw new InputError(
    `--from-record ${fromRecord} is past the end of the input, which has ${records} record${records === 1 ? "" : "s"}`,
  );
}

/** Encoding of the bytes of a value as text. */
export type ValueEncoding = "utf8" | "base64" | "hex";

export const valueEncodings: readonly ValueEncoding[] = ["utf8", "base64", "hex"];

/**
 * Returns the bytes that the text represents, or `undefined` if the text is malformed. Unlike `Buffer.from`, the
 * function does not skip invalid characters, and requires the padding of base64.
 */
export function decodeValue(text: string, encoding: ValueEncoding): Buffer | undefined {
  if (encoding === "utf8") return text.isWellFormed() ? Buffer.from(text) : undefined;
  const bytes = Buffer.from(text, encoding);
  const canonical = encoding === "hex" ? text.toLowerCase() : text;
  return bytes.toString(encoding) === canonical ? bytes : undefined;
}

/** Returns the value as text, or `undefined` if the encoding is `utf8` and the value is not UTF-8. */
export function encodeValue(value: Uint8Array, encoding: ValueEncoding): string | undefined {
  if (encoding === "utf8" && !isUtf8(value)) return undefined;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString(encoding);
}

/** Writes records as text. */
export interface RecordWriter {
  /** The text before the first record. */
  readonly header: string;
  /** Formats the records before the first value that this format cannot represent. `count` is their number. */
  format(records: readonly Entry[]): {
    readonly text: string;
    readonly count: number;
  };
}
