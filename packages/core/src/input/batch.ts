import type { Call } from "../call/call.js";
import type { RequestLimits } from "../driver.js";
import type { Limits } from "../store.js";
import { checkKey, checkValue, InputError, mostBytes, type Rejection, utf8Length } from "./check-entry.js";
import { PackedValues } from "./packed-values.js";

/** A validated batch, split into chunks of one request each. */
export interface Batch {
  readonly keys: readonly string[];
  /** Index of the first key of each chunk. Empty for an empty batch. */
  readonly chunkStarts: readonly number[];
  /** The values of a set: copies, or the caller's own, which must be encoded before the call returns. */
  readonly values: PackedValues | readonly Uint8Array[] | undefined;
}

/** Up to this many entries a batch is checked, split and encoded before the call returns. */
export const mostAtOnce = 16_384;

/**
 * Reads an iterable of keys once.
 *
 * @throws {InputError} naming the first invalid key.
 */
export function readKeys(call: Call, input: unknown, kind: "get" | "delete"): Batch {
  return read(call, input, new Chunker(call.core.options[kind]), undefined);
}

/**
 * Reads an iterable of entries once. Copies the values, because the caller may change them when the call returns, unless
 * the driver encodes them before that.
 *
 * @throws {InputError} naming the first invalid entry.
 */
export function readEntries(call: Call, input: unknown): Batch {
  const encodedAtOnce = call.core.driver.prepareSet !== undefined && isShortAndStable(input);
  return read(call, input, new Chunker(call.core.options.set), encodedAtOnce ? [] : new PackedValues());
}

/** A generator may yield the same array again and again with other bytes. An array or Map does not. */
function isShortAndStable(input: unknown): boolean {
  if (Array.isArray(input)) {
    return input.length <= mostAtOnce && input[Symbol.iterator] === Array.prototype[Symbol.iterator];
  }
  return input instanceof Map && input.size <= mostAtOnce && input[Symbol.iterator] === Map.prototype.entries;
}

/** After about this many entries or KiB of values, reading looks at the clock. */
const entriesPerCheck = 1_024;

function read(
  call: Call,
  input: unknown,
  chunker: Chunker,
  values: PackedValues | Uint8Array[] | undefined,
): Batch {
  const { limits } = call.core.options;
  let index = 0;
  let unchecked = 0;
  let rejection: Rejection | undefined;
  let rejectedIndex = 0;
  try {
    for (const entry of iterable(input)) {
      if (rejection === undefined) {
        rejection =
          values === undefined ? addKey(entry, limits, chunker) : addEntry(entry, limits, chunker, values);
        rejectedIndex = index;
      }
      index++;
      unchecked += 1 + (chunker.lastValueBytes >>> 10);
      if (unchecked < entriesPerCheck) continue;
      unchecked = 0;
      if (call.timeLeft > 0) continue;
      rejection ??= { code: "timeout", text: "the deadline passed: raise `timeout`, or send less at once" };
      break;
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError("invalid-argument", "the iterable threw an error while it was read", index);
  }
  if (rejection !== undefined) {
    const entries = Math.max(index, sizeOf(input) ?? 0);
    throw new InputError(rejection.code, `entry ${rejectedIndex}: ${rejection.text}`, entries);
  }
  call.batchSize = index;
  return { keys: chunker.keys, chunkStarts: chunker.starts, values };
}

function addKey(key: unknown, limits: Limits, chunker: Chunker): Rejection | undefined {
  const rejection = checkKey(key, limits);
  if (rejection === undefined) chunker.add(key as string, 0);
  return rejection;
}

function addEntry(
  entry: unknown,
  limits: Limits,
  chunker: Chunker,
  values: PackedValues | Uint8Array[],
): Rejection | undefined {
  if (!Array.isArray(entry) || entry.length !== 2) return notPair;
  // Each is read once: what was checked is what is sent.
  const key: unknown = entry[0];
  const value: unknown = entry[1];
  const rejection = checkKey(key, limits) ?? checkValue(value, limits);
  if (rejection !== undefined) return rejection;
  const startsChunk = chunker.add(key as string, (value as Uint8Array).length);
  if (values instanceof PackedValues) values.add(value as Uint8Array, startsChunk);
  else values.push(value as Uint8Array);
  return undefined;
}

const notPair: Rejection = { code: "invalid-argument", text: "the entry is not a pair of a key and a value" };

/**
 * Counts the entries of an input that is rejected unread, for its outcomes.
 *
 * @param deadline - when to stop counting, because an iterable may be endless
 */
export function countEntries(input: unknown, deadline: number): number {
  let count = sizeOf(input) ?? 0;
  if (count > 0) return count;
  try {
    for (const _ of iterable(input)) {
      if (++count % entriesPerCheck === 0 && performance.now() >= deadline) break;
    }
  } catch {
    // The call already fails for another reason. Its size is what could be read.
  }
  return count;
}

function sizeOf(input: unknown): number | undefined {
  if (Array.isArray(input)) return input.length;
  return input instanceof Map || input instanceof Set ? input.size : undefined;
}

function iterable(input: unknown): Iterable<unknown> {
  // A string is an iterable of its characters, which is never what the caller means.
  if (typeof input === "object" && input !== null && Symbol.iterator in input)
    return input as Iterable<unknown>;
  throw new InputError("invalid-argument", "the batch is not an iterable: pass an array, a Set or a Map");
}

/**
 * Splits a batch into chunks as it is read. Counts three bytes for each UTF-16 unit of a key, the most it can take, and
 * measures keys only when that would end a chunk. Most batches never get there.
 */
export class Chunker {
  readonly keys: string[] = [];
  readonly starts: number[] = [];
  lastValueBytes = 0;
  readonly #limits: RequestLimits;
  /** Keys in the current chunk. */
  #count = 0;
  /** An upper bound of the bytes in the current chunk. */
  #bytes = 0;
  /** The first key of the chunk that was not measured. */
  #unmeasured = 0;

  constructor(limits: RequestLimits) {
    this.#limits = limits;
  }

  /** Returns whether the key starts a chunk. */
  add(key: string, valueBytes: number): boolean {
    const index = this.keys.push(key) - 1;
    const most = mostBytes(key) + valueBytes;
    this.lastValueBytes = valueBytes;
    this.#bytes += most;
    if (index > 0 && ++this.#count <= this.#limits.maxKeys && this.#fits()) return false;
    this.starts.push(index);
    this.#count = 1;
    this.#bytes = most;
    this.#unmeasured = index;
    return true;
  }

  #fits(): boolean {
    const { maxBytes } = this.#limits;
    while (this.#bytes > maxBytes && this.#unmeasured < this.keys.length) {
      const key = this.keys[this.#unmeasured++] as string;
      this.#bytes += utf8Length(key) - mostBytes(key);
    }
    return this.#bytes <= maxBytes;
  }
}
