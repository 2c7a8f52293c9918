import type { Driver } from "../driver.js";
import type { Batch } from "./batch.js";
import type { CanonicalIndexes } from "./duplicates.js";
import { PackedValues } from "./packed-values.js";

const noValues: readonly Uint8Array[] = [];

/** The keys of one request. */
export class Chunk {
  readonly keys: readonly string[];
  /** Index of each key in the caller's input. */
  readonly indexes: readonly number[];
  /** The values of a set that is not prepared; otherwise empty. */
  values: readonly Uint8Array[];
  /** What the driver's `prepareSet` returned. */
  prepared: unknown;

  constructor(keys: readonly string[], indexes: readonly number[], values: readonly Uint8Array[] = noValues) {
    this.keys = keys;
    this.indexes = indexes;
    this.values = values;
  }

  /** Has the driver encode the values, if it can. They are not needed any more then. */
  prepare(driver: Driver, bucket: string): void {
    if (driver.prepareSet === undefined || this.values.length === 0) return;
    try {
      this.prepared = driver.prepareSet(bucket, this.keys, this.values);
      this.values = noValues;
    } catch (error) {
      // If it is tried again, the caller may have changed the values by then.
      this.values = this.values.map((value) => new Uint8Array(value));
      throw error;
    }
  }

  /** Returns a chunk of some of the keys. A prepared set can only be repeated as a whole. */
  pick(chosen: readonly number[]): Chunk {
    if (chosen.length === this.keys.length || this.prepared !== undefined) return this;
    return new Chunk(
      at(this.keys, chosen),
      at(this.indexes, chosen),
      this.values.length > 0 ? at(this.values, chosen) : noValues,
    );
  }
}

function at<Element>(elements: readonly Element[], indexes: readonly number[]): Element[] {
  return indexes.map((index) => elements[index] as Element);
}

/** Hands out the chunks of a batch, each once. Chunks are created when they are needed, so memory stays bounded. */
export class ChunkQueue {
  readonly size: number;
  readonly #batch: Batch;
  readonly #canonical: CanonicalIndexes;
  readonly #prepared: Chunk[] = [];
  #created = 0;

  constructor(batch: Batch, canonical: CanonicalIndexes) {
    this.size = batch.chunkStarts.length;
    this.#batch = batch;
    this.#canonical = canonical;
  }

  /** Returns the next chunk, or `undefined` after the last. Skips chunks that hold only duplicates. */
  next(): Chunk | undefined {
    if (this.#prepared.length > 0) return this.#prepared.shift();
    while (this.#created < this.size) {
      const chunk = this.#create(this.#created++);
      if (chunk.keys.length > 0) return chunk;
    }
    return undefined;
  }

  /** Has the driver encode all chunks that were not handed out yet. */
  prepareRest(driver: Driver, bucket: string): void {
    const chunks: Chunk[] = [];
    for (let chunk = this.next(); chunk !== undefined; chunk = this.next()) {
      chunks.push(chunk);
      try {
        chunk.prepare(driver, bucket);
      } catch {
        // The attempt to send it reports the error.
      }
    }
    this.#prepared.push(...chunks);
  }

  #create(number: number): Chunk {
    const { keys, chunkStarts, values } = this.#batch;
    const start = chunkStarts[number] as number;
    const end = chunkStarts[number + 1] ?? keys.length;
    const indexes: number[] = [];
    for (let index = start; index < end; index++) indexes.push(index);
    const chunkValues = values instanceof PackedValues ? values.take(number) : values?.slice(start, end);
    const chunk = new Chunk(this.size === 1 ? keys : keys.slice(start, end), indexes, chunkValues);
    const canonical = this.#canonical;
    if (canonical === undefined) return chunk;
    return chunk.pick(indexes.filter((index) => canonical[index] === index).map((index) => index - start));
  }
}
