import type { Call } from "../call/call.js";
import type { Driver } from "../driver.js";
import type { Batch } from "./batch.js";

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

  /** Lets the driver encode the values, if it can, and then drops them. */
  prepare(driver: Driver, bucket: string): void {
    if (driver.prepareSet === undefined || this.values.length === 0) return;
    try {
      this.prepared = driver.prepareSet(bucket, this.keys, this.values);
      this.values = noValues;
    } catch (error) {
      // The caller may change the values before the next attempt.
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

  /** Lets the driver encode all chunks that were not handed out yet. */
  prepareRest(driver: Driver, bucket: string): void {
    const chunks: Chunk[] = [];
    for (let chunk = this.next(); chunk !== undefined; chunk = this.next()) {
      chunks.push(chunk);
      try {
        chunk.prepare(driver, bucket);
      } catch {
        // The attempt to send the chunk reports the error.
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

interface PackedChunk {
  bytes: Uint8Array<ArrayBuffer>;
  used: number;
  readonly lengths: number[];
}

/** Copies of the values of a batch, packed into one buffer per chunk. Their arrays are created when the chunk is sent. */
export class PackedValues {
  readonly #chunks: (PackedChunk | undefined)[] = [];

  add(value: Uint8Array, startsChunk: boolean): void {
    if (startsChunk) this.#chunks.push({ bytes: new Uint8Array(0), used: 0, lengths: [] });
    const chunk = this.#chunks[this.#chunks.length - 1] as PackedChunk;
    const end = chunk.used + value.length;
    if (end > chunk.bytes.length) {
      const longer = new Uint8Array(Math.max(end, chunk.bytes.length * 2));
      longer.set(chunk.bytes.subarray(0, chunk.used));
      chunk.bytes = longer;
    }
    chunk.bytes.set(value, chunk.used);
    chunk.used = end;
    chunk.lengths.push(value.length);
  }

  /** Returns the values of a chunk and forgets them. */
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

/** Which of several entries with the same key counts: the last for writes (rule S5), the first for reads. */
export type DuplicatePolicy = "first" | "last";

/** For each index the index of the entry that counts for its key; `undefined` if all keys differ. */
export type CanonicalIndexes = Int32Array | undefined;

const keysPerStep = 8_192;

export function findDuplicates(keys: readonly string[], policy: DuplicatePolicy): CanonicalIndexes {
  // For so few keys a `Set` is as fast.
  if (keys.length < 64 && new Set(keys).size === keys.length) return undefined;
  const table = new KeyTable(keys);
  table.add(0, keys.length);
  return table.canonicalIndexes(policy);
}

/** Like {@link findDuplicates}, for long batches: lets other work of the event loop run every few milliseconds. */
export async function findDuplicatesInSteps(
  keys: readonly string[],
  policy: DuplicatePolicy,
  call: Call,
): Promise<CanonicalIndexes> {
  const table = new KeyTable(keys);
  for (let start = 0; start < keys.length; start += keysPerStep) {
    await call.nextTurn(keys.length);
    table.add(start, Math.min(start + keysPerStep, keys.length));
  }
  return table.canonicalIndexes(policy);
}

/** After this many occupied slots a key goes to a `Map`, in case keys were chosen to collide. */
const longestProbe = 64;

/**
 * An open-addressing table. It takes about half the time of a `Set`, and never blocks to grow. A slot packs index + 1 into
 * its low bits and part of the key's hash into the rest, so unequal keys are almost never compared.
 */
class KeyTable {
  readonly #keys: readonly string[];
  readonly #slots: Int32Array;
  readonly #seed: number = (Math.random() * 2 ** 32) | 0;
  #overflow: Map<string, number> | undefined;
  /** First index of each key, if there are duplicates. */
  #first: CanonicalIndexes;

  constructor(keys: readonly string[]) {
    this.#keys = keys;
    this.#slots = new Int32Array(2 ** (33 - Math.clz32(keys.length)));
  }

  add(start: number, end: number): void {
    for (let index = start; index < end; index++) {
      const first = this.#firstIndex(this.#keys[index] as string, index);
      if (first === index) continue;
      this.#first ??= Int32Array.from(this.#keys, (_, each) => each);
      this.#first[index] = first;
    }
  }

  canonicalIndexes(policy: DuplicatePolicy): CanonicalIndexes {
    if (this.#first === undefined || policy === "first") return this.#first;
    const last = new Int32Array(this.#keys.length);
    for (const [index, first] of this.#first.entries()) last[first] = index;
    return this.#first.map((first) => last[first] as number);
  }

  /** Returns the index that was added first for a key, which may be `index`. */
  #firstIndex(key: string, index: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const hashed = hash(key, this.#seed);
    let slot = hashed & mask;
    for (let probe = 0; probe < longestProbe; probe++) {
      const held = slots[slot] as number;
      if (held === 0) {
        slots[slot] = (hashed & ~mask) | (index + 1);
        return index;
      }
      if (((held ^ hashed) & ~mask) === 0 && this.#keys[(held & mask) - 1] === key) return (held & mask) - 1;
      slot = (slot + 1) & mask;
    }
    this.#overflow ??= new Map();
    if (!this.#overflow.has(key)) this.#overflow.set(key, index);
    return this.#overflow.get(key) as number;
  }
}

/** FNV-1a over UTF-16 units, with the finalizer of MurmurHash3 so that low bits depend on all. */
function hash(key: string, seed: number): number {
  let state = seed;
  for (let index = 0; index < key.length; index++) state = Math.imul(state ^ key.charCodeAt(index), 0x01000193);
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return state ^ (state >>> 16);
}
