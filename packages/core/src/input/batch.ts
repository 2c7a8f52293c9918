import type { WriteKind } from "../call/attempt.js";
import type { Call } from "../call/call.js";
import { now } from "../clock.js";
import { ValueCopier } from "../driver-kit.js";
import { StoreError, type StoreErrorCode } from "../errors.js";
import { checkOptions, checkTtl } from "../options.js";
import type { EntryOptions, Limits } from "../store.js";
import { byteLengthOf, plainBytes } from "./bytes.js";
import { type CanonicalIndexes, mostAtOnce } from "./chunk.js";

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

/** The text of the error for a call whose deadline passed before it sent anything. */
export const deadlinePassed = "the deadline passed: raise `timeout`, or use smaller batches";

const notString = invalid("the key is not a string: pass a string");
const illFormed = invalid("the key contains a lone surrogate, which UTF-8 cannot encode: encode binary keys as base64");
const notPair = invalid("the entry is not a pair: pass [key, value] or [key, value, options]");
const notBytes = invalid("the value is not a Uint8Array, or its buffer is detached: encode text with TextEncoder");
const unreadable = invalid("reading the entry throws an error: pass a plain array of a key and a Uint8Array");
const iterableThrew = invalid("the iterable threw an error: correct its iterator");
const changed = invalid("the value changed while the batch was read: do not change values in getters or iterators");

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
export function checkValue(value: unknown, limits: Limits): Rejection | undefined {
  return checkLength(byteLengthOf(value), limits);
}

function checkLength(length: number | undefined, { maxValueBytes }: Limits): Rejection | undefined {
  if (length === undefined) return notBytes;
  if (length <= maxValueBytes) return undefined;
  return { code: "too-large", text: `the value has ${length} bytes (limit: ${maxValueBytes}): split it` };
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

/** A validated batch, split into chunks. Each chunk is sent as one request. */
export interface Batch {
  readonly keys: readonly string[];
  /** Index of the first key of each chunk. Empty for an empty batch. */
  readonly chunkStarts: readonly number[];
  /** The values to set, one per key. Empty for other operations. */
  readonly values: readonly Uint8Array[];
  /** Whether the values are the caller's own arrays. Then they must be encoded before the method returns. */
  readonly areBorrowed: boolean;
  /** The time to live of each key, by index. `undefined` if no key expires. */
  readonly ttls: readonly (number | undefined)[] | undefined;
  /** For each index, the index of the entry to use for the same key. `undefined` if all keys are different. */
  canonical: CanonicalIndexes;
}

/** Number of entries plus KiB of values to read between two checks of the deadline. */
const entriesPerCheck = 1_024;

/**
 * Reads and validates an iterable of keys or, to set them, of entries. Iterates over it once. Copies the values, because
 * the caller may change them later, unless the driver encodes them before the method returns.
 *
 * @param ttl - the time to live of entries without their own
 * @throws {InputError} if the input or an entry is invalid, or the deadline passes. The message names the index.
 */
export function readBatch(call: Call, kind: "get" | WriteKind, input: unknown, ttl?: number): Batch {
  const { driver, options } = call.core;
  const { limits } = options;
  const { maxKeys, maxBytes } = options[kind];
  const isSet = kind === "set" || kind === "setIfAbsent";
  const areBorrowed = kind === "set" && driver.prepareSet !== undefined && ttl === undefined && isShortAndStable(input);
  const keys: string[] = [];
  const chunkStarts: number[] = [];
  const values: Uint8Array[] = [];
  let ttls: (number | undefined)[] | undefined;
  const copier = new ValueCopier(sizeOf(input) || Infinity);
  /** The length of each value when it was read. */
  const lengths: number[] = [];
  let chunkStart = 0;
  /** Bytes in the current chunk. An upper bound unless `isExact`: counts three bytes per code unit of a key. */
  let bytes = 0;
  let isExact = false;
  let rejection: Rejection | undefined;
  let entries = 0;
  let unchecked = 0;
  try {
    for (const entry of iterable(input)) {
      rejection ??= add(entry);
      entries++;
      if (++unchecked < entriesPerCheck) continue;
      unchecked = 0;
      if (call.timeLeft > 0) continue;
      rejection ??= { code: "timeout", text: deadlinePassed };
      break;
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    rejection ??= iterableThrew;
  }
  let rejectedIndex = keys.length;
  if (rejection === undefined && areBorrowed) {
    rejectedIndex = values.findIndex((value, index) => byteLengthOf(value) !== lengths[index]);
    if (rejectedIndex >= 0) rejection = changed;
  }
  if (rejection !== undefined) {
    const message = `entry ${rejectedIndex}: ${rejection.text}`;
    throw new InputError(rejection.code, message, Math.max(entries, sizeOf(input)));
  }
  call.batchSize = entries;
  // Fills the holes of entries without a `ttl`, because a driver expects one element per key.
  ttls &&= Array.from(keys, (_, index) => ttls?.[index]);
  const batch = { keys, chunkStarts, values, areBorrowed, ttls, canonical: undefined };
  if (ttls === undefined || !areBorrowed) return batch;
  const copies = values.map((value, index) => copier.copy(value, lengths[index] as number));
  return { ...batch, values: copies, areBorrowed: false };

  function add(entry: unknown): Rejection | undefined {
    if (!isSet) return checkKey(entry, limits) ?? addKey(entry as string, 0);
    let key: unknown;
    let value: unknown;
    let own: unknown;
    try {
      if (!Array.isArray(entry) || (entry.length !== 2 && entry.length !== 3)) return notPair;
      // Read each element once: a getter could return something else the second time.
      key = entry[0];
      value = entry[1];
      own = entry[2];
    } catch {
      return unreadable;
    }
    const length = byteLengthOf(value) as number;
    const rejected = checkKey(key, limits) ?? checkLength(length, limits);
    if (rejected !== undefined) return rejected;
    if (own !== undefined || ttl !== undefined) {
      try {
        const effective = ttlOf(own) ?? ttl;
        if (effective !== undefined) {
          ttls ??= [];
          ttls[keys.length] = effective;
        }
      } catch (error) {
        return invalid((error as StoreError).message);
      }
    }
    values.push(areBorrowed ? plainBytes(value as Uint8Array) : copier.copy(value as Uint8Array, length));
    lengths.push(length);
    unchecked += length >>> 10;
    return addKey(key as string, length);
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

/** Returns the `ttl` in the options of an entry. Throws `invalid-argument` if they are invalid. */
function ttlOf(options: unknown): number | undefined {
  return options === undefined ? undefined : checkTtl(checkOptions(options as EntryOptions, ["ttl"], "the entry").ttl);
}

/** Counts the entries of an input that was rejected unread. Stops at `deadline`, because the input may be endless. */
export function countEntries(input: unknown, deadline: number): number {
  let count = sizeOf(input);
  if (count > 0) return count;
  try {
    for (const _ of iterable(input)) {
      if (++count % entriesPerCheck === 0 && now() >= deadline) break;
    }
  } catch {
    // The call already fails for another reason. Return the number of entries that could be read.
  }
  return count;
}

/** Returns the size of an array, a Map or a Set. Returns 0 for another input, and if the size cannot be read. */
function sizeOf(input: unknown): number {
  try {
    if (Array.isArray(input)) return Math.trunc(input.length) || 0;
    if (input instanceof Map || input instanceof Set) return Math.trunc(input.size) || 0;
  } catch {
    // A Proxy throws an error, or a subclass overrides `size`.
  }
  return 0;
}

/** Returns whether `input` is a short array or Map with its built-in iterator. Other iterators may reuse values. */
function isShortAndStable(input: unknown): boolean {
  try {
    const iterator = (input as Iterable<unknown>)[Symbol.iterator];
    const isBuiltIn = iterator === (Array.isArray(input) ? Array.prototype[Symbol.iterator] : Map.prototype.entries);
    return isBuiltIn && sizeOf(input) <= mostAtOnce;
  } catch {
    return false;
  }
}

function iterable(input: unknown): Iterable<unknown> {
  // Strings are iterable too, but a caller who passes a string does not mean its characters.
  if (typeof input === "object" && input !== null && Symbol.iterator in input) return input as Iterable<unknown>;
  throw new InputError("invalid-argument", "the batch is not an iterable: pass an array, a Set or a Map");
}
