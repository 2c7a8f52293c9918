import { Buffer } from "node:buffer";
import type { Limits } from "@manykv/core";

/** Where a record stands in its input. */
export interface Place {
  /** Counted from 1; a CSV header and blank lines are no records. */
  readonly record: number;
  /** The line on which it starts, counted from 1. */
  readonly line: number;
}

export interface KeyRecord extends Place {
  readonly key: string;
}

export interface ValueRecord extends KeyRecord {
  readonly value: Uint8Array;
}

/** A record that cannot be written as it stands. */
export interface RefusedRecord extends Place {
  readonly key?: string | undefined;
  readonly code: "invalid-argument" | "too-large";
  /** What is wrong with it, in words that hold neither key nor value. */
  readonly refusal: string;
  /** Nothing after it can be told apart. */
  readonly endsInput?: true;
}

export type Item<Read extends KeyRecord> = Read | RefusedRecord;

export function isRefused<Read extends KeyRecord>(item: Item<Read>): item is RefusedRecord {
  return "refusal" in item;
}

/** What is wrong with a key, checked here so that one bad record does not reject the whole batch that it is in. */
export function refuseKey(place: Place, key: string, limits: Limits): RefusedRecord | undefined {
  if (!key.isWellFormed()) {
    return { ...place, key, code: "invalid-argument", refusal: "its key holds a lone surrogate" };
  }
  // A UTF-16 unit takes three UTF-8 bytes at the most.
  if (key.length * 3 <= limits.maxKeyBytes) return undefined;
  const bytes = Buffer.byteLength(key);
  if (bytes <= limits.maxKeyBytes) return undefined;
  const refusal = `its key has ${bytes} bytes, the store takes ${limits.maxKeyBytes}`;
  return { ...place, key, code: "too-large", refusal };
}

/** The record, or why it is refused. */
export function checkedRecord(
  place: Place,
  key: string,
  value: Uint8Array,
  limits: Limits,
): Item<ValueRecord> {
  const refused = refuseKey(place, key, limits);
  if (refused !== undefined) return refused;
  if (value.length > limits.maxValueBytes) {
    const refusal = `its value has ${value.length} bytes, the store takes ${limits.maxValueBytes}`;
    return { ...place, key, code: "too-large", refusal };
  }
  return { record: place.record, line: place.line, key, value };
}
