import type { Call } from "../call/call.js";
import type { RequestLimits } from "../driver.js";
import { StoreError, type StoreErrorCode } from "../errors.js";
import type { Limits } from "../store.js";
import { PackedValues } from "./chunk.js";

/** Why an entry is rejected. In the error message, `text` follows the index of the entry. */
export interface Rejection {
  readonly code: "invalid-argument" | "too-large" | "timeout";
  readonly text: string;
}

/** The error for an input that core rejects before it sends anything. */
export class InputError extends StoreError {
  /** Number of entries in the input or, if the input has no size, number of entries that were read. */
  readonly entries: number;

  constructor(code: StoreErrorCode, message: string, entries = 0) {
    super(code, message);
    this.entries = entries;
  }
}

function invalid(text: string): Rejection {
  return { code: "invalid-argument", text };
}

const notString = invalid("the key is not a string: pass a string");
const illFormed = invalid("the key contains a lone surrogate, which UTF-8 cannot encode: encode binary keys as base64");
const notPair = invalid("the entry is not a pair: pass [key, value]");
const notBytes = invalid("the value is not a Uint8Array, or its buffer is detached: encode text with TextEncoder");

/** Returns why a key is rejected (rule S1 in `docs/semantics.md`), or `undefined` if the key is valid. */
export function checkKey(key: unknown, { maxKeyBytes }: Limits): Rejection | undefined {
  if (typeof key !== "string") return notString;
  // A UTF-16 code unit takes at most three bytes in UTF-8, so only long keys have to be measured.
  if (key.length <= maxKeyBytes) {
    if (!key.isWellFormed()) return illFormed;
    if (key.length * 3 <= maxKeyBytes || utf8Length(key) <= maxKeyBytes) return undefined;
  }
  return { code: "too-large", text: `the key is longer than ${maxKeyBytes} bytes of UTF-8: shorten it or hash it` };
}

/** Returns why a value is rejected (rule S2 in `docs/semantics.md`), or `undefined` if the value is valid. */
export function checkValue(value: unknown, { maxValueBytes }: Limits): Rejection | undefined {
  if (!isBytes(value)) return notBytes;
  if (value.length <= maxValueBytes) return undefined;
  return { code: "too-large", text: `the value has ${value.length} bytes (limit: ${maxValueBytes}): split it` };
}

/** Returns the length of a well-formed string in UTF-8 bytes. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    // Each half of a surrogate pair counts as two of the four bytes.
    if (unit >= 0x80) bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
const typeName = Object.getOwnPropertyDescriptor(typedArray, Symbol.toStringTag)?.get;

/** Returns whether `value` is a `Uint8Array` (a `Buffer` is one) from any realm. False if its buffer is detached. */
function isBytes(value: unknown): value is Uint8Array {
  if (!(value instanceof Uint8Array) && typeName?.call(value) !== "Uint8Array") return false;
  if ((value as Uint8Array).length > 0) return true;
  try {
    // Throws if the buffer is detached. Without this check, core would store such a value as an empty one.
    new Uint8Array((value as Uint8Array).buffer);
    return true;
  } catch {
    return false;
  }
}

/** A validated batch, split into chunks. Each chunk is sent as one request. */
export interface Batch {
  readonly keys: readonly string[];
  /** Index of the first key of each chunk. Empty for an empty batch. */
  readonly chunkStarts: readonly number[];
  /** The values to set: copies, or the caller's own arrays, which must be encoded before the method returns. */
  readonly values: PackedValues | readonly Uint8Array[] | undefined;
}

/** Maximum length of a short batch. In a longer one, core finds duplicates in steps and encodes requests one by one. */
export const mostAtOnce = 16_384;

/**
 * Reads and validates an iterable of keys. Iterates over it once.
 *
 * @throws {InputError} if the input or a key is invalid, or the deadline passes. The message contains the key's index.
 */
export function readKeys(call: Call, input: unknown, kind: "get" | "delete"): Batch {
  return read(call, input, call.core.options[kind], undefined);
}

/**
 * Reads and validates an iterable of entries. Iterates over it once. Copies the values unless the driver encodes them
 * before the method returns, because the caller may change them afterwards.
 *
 * @throws {InputError} if the input or an entry is invalid, or the deadline passes. The message names the index.
 */
export function readEntries(call: Call, input: unknown): Batch {
  const { driver, options } = call.core;
  const encodedAtOnce = driver.prepareSet !== undefined && isShortAndStable(input);
  return read(call, input, options.set, encodedAtOnce ? [] : new PackedValues());
}

/** Returns whether `input` is a short array or Map with its built-in iterator. Other iterators may reuse values. */
function isShortAndStable(input: unknown): boolean {
  const iterator = (input as Iterable<unknown> | undefined)?.[Symbol.iterator];
  if (Array.isArray(input)) return input.length <= mostAtOnce && iterator === Array.prototype[Symbol.iterator];
  return input instanceof Map && input.size <= mostAtOnce && iterator === Map.prototype.entries;
}

/** Number of entries plus KiB of values to read between two checks of the deadline. */
const entriesPerCheck = 1_024;

function read(
  call: Call,
  input: unknown,
  { maxKeys, maxBytes }: RequestLimits,
  values: PackedValues | Uint8Array[] | undefined,
): Batch {
  const { limits } = call.core.options;
  const keys: string[] = [];
  const chunkStarts: number[] = [];
  let chunkStart = 0;
  /** Bytes in the current chunk. An upper bound unless `isExact`: counts three bytes per code unit of a key. */
  let bytes = 0;
  let isExact = false;
  let rejection: Rejection | undefined;
  let entries = 0;
  let unchecked = 0;
  try {
    for (const entry of iterable(input)) {
      if (rejection === undefined) rejection = add(entry);
      entries++;
      if (++unchecked < entriesPerCheck) continue;
      unchecked = 0;
      if (call.timeLeft > 0) continue;
      rejection ??= { code: "timeout", text: "the deadline passed: raise `timeout`, or use smaller batches" };
      break;
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError("invalid-argument", "the iterable threw an error: correct its iterator", entries);
  }
  if (rejection !== undefined) {
    const message = `entry ${keys.length}: ${rejection.text}`;
    throw new InputError(rejection.code, message, Math.max(entries, sizeOf(input)));
  }
  call.batchSize = entries;
  return { keys, chunkStarts, values };

  function add(entry: unknown): Rejection | undefined {
    if (values === undefined) return checkKey(entry, limits) ?? addKey(entry as string, 0);
    if (!Array.isArray(entry) || entry.length !== 2) return notPair;
    // Read each element once: a getter could return something else the second time.
    const key: unknown = entry[0];
    const value: unknown = entry[1];
    const rejected = checkKey(key, limits) ?? checkValue(value, limits);
    if (rejected !== undefined) return rejected;
    const { length } = value as Uint8Array;
    const chunks = chunkStarts.length;
    addKey(key as string, length);
    if (values instanceof PackedValues) values.add(value as Uint8Array, chunkStarts.length > chunks);
    else values.push(value as Uint8Array);
    unchecked += length >>> 10;
    return undefined;
  }

  function addKey(key: string, valueBytes: number): undefined {
    const index = keys.push(key) - 1;
    bytes += valueBytes + (isExact ? utf8Length(key) : 3 * key.length);
    if (bytes > maxBytes && !isExact) {
      // Measure keys only if the upper bound exceeds the limit, which is rare.
      for (const each of keys.slice(chunkStart)) bytes -= 3 * each.length - utf8Length(each);
      isExact = true;
    }
    if (index > 0 && index - chunkStart < maxKeys && bytes <= maxBytes) return;
    chunkStarts.push(index);
    chunkStart = index;
    bytes = valueBytes + 3 * key.length;
    isExact = false;
  }
}

/** Counts the entries of an input that was rejected unread. Stops at `deadline`, because the input may be endless. */
export function countEntries(input: unknown, deadline: number): number {
  let count = sizeOf(input);
  if (count > 0) return count;
  try {
    for (const _ of iterable(input)) {
      if (++count % entriesPerCheck === 0 && performance.now() >= deadline) break;
    }
  } catch {
    // The call fails for another reason. Return the number of entries that could be read.
  }
  return count;
}

function sizeOf(input: unknown): number {
  if (Array.isArray(input)) return input.length;
  return input instanceof Map || input instanceof Set ? input.size : 0;
}

function iterable(input: unknown): Iterable<unknown> {
  // Strings are iterable too, but a caller who passes a string does not mean its characters.
  if (typeof input === "object" && input !== null && Symbol.iterator in input) return input as Iterable<unknown>;
  throw new InputError("invalid-argument", "the batch is not an iterable: pass an array, a Set or a Map");
}
