import type { Call } from "../call/call.js";
import type { Driver } from "../driver.js";
import type { Batch } from "./batch.js";

const noValues: readonly Uint8Array[] = [];

/** The keys and values of one request. */
export class Chunk {
  readonly keys: readonly string[];
  /** Index of each key in the caller's input. */
  readonly indexes: readonly number[];
  /** The values to set. Empty for other operations, and after the driver has encoded the values. */
  values: readonly Uint8Array[];
  /** What the driver's `prepareSet` returned. */
  prepared: unknown;

  constructor(keys: readonly string[], indexes: readonly number[], values: readonly Uint8Array[] = noValues) {
    this.keys = keys;
    this.indexes = indexes;
    this.values = values;
  }

  /** If the driver implements `prepareSet`, lets it encode the values and then releases the values. */
  prepare(driver: Driver, bucket: string): void {
    if (driver.prepareSet === undefined || this.values.length === 0) return;
    try {
      this.prepared = driver.prepareSet(bucket, this.keys, this.values);
      this.values = noValues;
    } catch (error) {
      // Copy the values: the caller may change them before the next attempt.
      this.values = this.values.map((value) => new Uint8Array(value));
      throw error;
    }
  }

  /** Returns a chunk of the chosen keys, or this chunk if it is prepared: core repeats a prepared set as a whole. */
  pick(chosen: readonly number[]): Chunk {
    if (chosen.length === this.keys.length || this.prepared !== undefined) return this;
    return new Chunk(at(this.keys, chosen), at(this.indexes, chosen), at(this.values, chosen));
  }

  halves(): readonly Chunk[] {
    const indexes = [...this.keys.keys()];
    const middle = Math.ceil(indexes.length / 2);
    return [this.pick(indexes.slice(0, middle)), this.pick(indexes.slice(middle))];
  }
}

function at<Element>(elements: readonly Element[], indexes: readonly number[]): readonly Element[] {
  return elements.length === 0 ? elements : indexes.map((index) => elements[index] as Element);
}

/**
 * Yields the chunks of a batch. Creates each chunk when it is requested, to limit memory use. Skips chunks that contain
 * only duplicates.
 */
export function* chunksOf(
  { keys, chunkStarts, values }: Batch,
  canonical: CanonicalIndexes,
): Generator<Chunk, undefined, undefined> {
  for (const [number, start] of chunkStarts.entries()) {
    const end = chunkStarts[number + 1] ?? keys.length;
    const indexes: number[] = [];
    for (let index = start; index < end; index++) indexes.push(index);
    const chunkValues = values instanceof PackedValues ? values.take(number) : values?.slice(start, end);
    const chunk = new Chunk(chunkStarts.length === 1 ? keys : keys.slice(start, end), indexes, chunkValues);
    const used = canonical && indexes.filter((index) => canonical[index] === index).map((index) => index - start);
    if (used === undefined) yield chunk;
    else if (used.length > 0) yield chunk.pick(used);
  }
}

interface PackedChunk {
  bytes: Uint8Array<ArrayBuffer>;
  used: number;
  readonly lengths: number[];
}

/** Copies of a batch's values, packed into one buffer per chunk. `take` creates a `Uint8Array` for each value. */
export class PackedValues {
  readonly #chunks: (PackedChunk | undefined)[] = [];
  #last: PackedChunk = { bytes: new Uint8Array(0), used: 0, lengths: [] };

  /** Copies a value of `length` bytes. Reads no property of the value, because a subclass may override it. */
  add(value: Uint8Array, length: number, startsChunk: boolean): void {
    // Chunks tend to have similar sizes, so each buffer starts with the size of the previous chunk.
    if (startsChunk) this.#last = { bytes: new Uint8Array(this.#last.used), used: 0, lengths: [] };
    if (startsChunk) this.#chunks.push(this.#last);
    const chunk = this.#last;
    const end = chunk.used + length;
    if (end > chunk.bytes.length) {
      const longer = new Uint8Array(Math.max(end, chunk.bytes.length * 2));
      longer.set(chunk.bytes.subarray(0, chunk.used));
      chunk.bytes = longer;
    }
    chunk.bytes.set(value, chunk.used);
    chunk.used = end;
    chunk.lengths.push(length);
  }

  /** Returns the values of a chunk. Can be called only once per chunk, because it releases the chunk's buffer. */
  take(number: number): Uint8Array[] {
    const { bytes, lengths } = this.#chunks[number] as PackedChunk;
    this.#chunks[number] = undefined;
    let offset = 0;
    return lengths.map((length) => {
      offset += length;
      return new Uint8Array(bytes.buffer, offset - length, length);
    });
  }
}

/** Which of several equal keys to use: the last for writes (S5 in `docs/semantics.md`), the first for reads. */
export type DuplicatePolicy = "first" | "last";

/** For each index, the index of the entry to use for the same key. `undefined` if all keys are different. */
export type CanonicalIndexes = Int32Array | undefined;

/**
 * Finds the entries to use. Returns a promise only for a long batch: other work on the event loop then runs between the
 * steps of the search.
 */
export function findDuplicates(
  keys: readonly string[],
  policy: DuplicatePolicy,
  call: Call,
): CanonicalIndexes | Promise<CanonicalIndexes> {
  if (keys.length < 2) return undefined;
  const search = searchDuplicates(keys, policy);
  const first = search.next();
  return first.done ? first.value : finish();

  async function finish(): Promise<CanonicalIndexes> {
    for (;;) {
      await call.nextTurn(keys.length);
      const { done, value } = search.next();
      if (done) return value;
    }
  }
}

/** Maximum length of a short batch. In a longer one, core finds duplicates in steps and encodes requests one by one. */
export const mostAtOnce = 16_384;

function* searchDuplicates(
  keys: readonly string[],
  policy: DuplicatePolicy,
): Generator<undefined, CanonicalIndexes, undefined> {
  const indexes = new Map<string, number>();
  for (let index = 0; index < keys.length; index++) {
    if (index > 0 && index % mostAtOnce === 0) yield;
    const key = keys[index] as string;
    if (policy === "last" || !indexes.has(key)) indexes.set(key, index);
  }
  if (indexes.size === keys.length) return undefined;
  const canonical = new Int32Array(keys.length);
  for (let index = 0; index < keys.length; index++) {
    if (index > 0 && index % mostAtOnce === 0) yield;
    canonical[index] = indexes.get(keys[index] as string) as number;
  }
  return canonical;
}
