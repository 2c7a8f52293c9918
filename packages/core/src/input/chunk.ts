import type { Driver } from "../driver.js";
import type { Batch } from "./batch.js";
import type { CanonicalIndexes } from "./duplicates.js";
import { PackedValues } from "./packed-values.js";

const noValues: readonly Uint8Array[] = [];

/** The keys of one request. */
export class Chunk {
  readonly keys: readonly string[];
  /** What the driver's `prepareSet` returned. */
  prepared: unknown;
  #values: readonly Uint8Array[];
  readonly #start: number;
  /** Input index of each key; `undefined` if they are consecutive from `#start`. */
  readonly #indexes: readonly number[] | undefined;

  constructor(
    keys: readonly string[],
    values: readonly Uint8Array[],
    start: number,
    indexes: readonly number[] | undefined,
  ) {
    this.keys = keys;
    this.#values = values;
    this.#start = start;
    this.#indexes = indexes;
  }

  /** The values of a set that is not prepared; otherwise empty. */
  get values(): readonly Uint8Array[] {
    return this.#values;
  }

  /** Index of the first key in the caller's input if the keys are consecutive there, otherwise -1. */
  get consecutiveFrom(): number {
    return this.#indexes === undefined ? this.#start : -1;
  }

  /** Returns the index of a key in the caller's input. */
  inputIndex(index: number): number {
    return this.#indexes === undefined ? this.#start + index : (this.#indexes[index] as number);
  }

  /** Has the driver encode the values, if it can. They are not needed any more then. */
  prepare(driver: Driver, bucket: string): void {
    if (driver.prepareSet === undefined || this.prepared !== undefined || this.#values.length === 0) return;
    try {
      this.prepared = driver.prepareSet(bucket, this.keys, this.#values);
      this.#values = noValues;
    } catch (error) {
      // If it is tried again, the caller may have changed the values by then.
      this.#values = this.#values.map((value) => new Uint8Array(value));
      throw error;
    }
  }

  /** Returns some of the keys, by ascending index. A prepared set can only be repeated as a whole. */
  pick(indexes: readonly number[]): Chunk {
    if (indexes.length === this.keys.length || this.prepared !== undefined) return this;
    const values = this.#values;
    return new Chunk(
      indexes.map((index) => this.keys[index] as string),
      values.length === 0 ? noValues : indexes.map((index) => values[index] as Uint8Array),
      this.#start,
      indexes.map((index) => this.inputIndex(index)),
    );
  }
}

/** Hands out the chunks of a batch, each once. Chunks are created when they are needed, so memory stays bounded. */
export class ChunkQueue {
  readonly #batch: Batch;
  readonly #canonical: CanonicalIndexes;
  #next = 0;
  #prepared: Chunk[] = [];

  constructor(batch: Batch, canonical: CanonicalIndexes) {
    this.#batch = batch;
    this.#canonical = canonical;
  }

  get size(): number {
    return this.#batch.chunkStarts.length;
  }

  /** Returns the next chunk, or `undefined` after the last. Skips chunks that hold only duplicates. */
  next(): Chunk | undefined {
    return this.#prepared.pop() ?? this.#createNext();
  }

  /** Has the driver encode all chunks that were not handed out yet. */
  prepareRest(driver: Driver, bucket: string): void {
    const chunks: Chunk[] = [];
    for (let chunk = this.#createNext(); chunk !== undefined; chunk = this.#createNext()) {
      chunks.push(chunk);
      try {
        chunk.prepare(driver, bucket);
      } catch {
        // The attempt to send it reports the error.
      }
    }
    this.#prepared = chunks.reverse();
  }

  #createNext(): Chunk | undefined {
    while (this.#next < this.#batch.chunkStarts.length) {
      const chunk = this.#create(this.#next++);
      if (chunk.keys.length > 0) return chunk;
    }
    return undefined;
  }

  #create(number: number): Chunk {
    const { keys, chunkStarts } = this.#batch;
    const start = chunkStarts[number] as number;
    const end = chunkStarts[number + 1] ?? keys.length;
    const isWhole = end - start === keys.length;
    const chunk = new Chunk(
      isWhole ? keys : keys.slice(start, end),
      this.#valuesOf(number, start, end),
      start,
      undefined,
    );
    const canonical = this.#canonical;
    if (canonical === undefined) return chunk;
    const chosen: number[] = [];
    for (let index = start; index < end; index++) if (canonical[index] === index) chosen.push(index - start);
    return chunk.pick(chosen);
  }

  #valuesOf(number: number, start: number, end: number): readonly Uint8Array[] {
    const { values } = this.#batch;
    if (values === undefined) return noValues;
    if (values instanceof PackedValues) return values.valuesOf(number, end - start);
    return end - start === values.length ? values : values.slice(start, end);
  }
}
