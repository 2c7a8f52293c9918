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
  /** The time to live of each key. `undefined` if no key expires. */
  readonly ttls: readonly (number | undefined)[] | undefined;
  /** What the driver's `prepareSet` returned. */
  prepared: unknown;

  constructor(
    keys: readonly string[],
    indexes: readonly number[],
    values: readonly Uint8Array[] = noValues,
    ttls?: readonly (number | undefined)[],
  ) {
    this.keys = keys;
    this.indexes = indexes;
    this.values = values;
    this.ttls = ttls?.some((ttl) => ttl !== undefined) ? ttls : undefined;
  }

  /** Lets the driver encode the values and releases them, if it implements `prepareSet` and no key expires. */
  prepare(driver: Driver, bucket: string): void {
    if (driver.prepareSet === undefined || this.values.length === 0 || this.ttls !== undefined) return;
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
    const ttls = this.ttls && at(this.ttls, chosen);
    return new Chunk(at(this.keys, chosen), at(this.indexes, chosen), at(this.values, chosen), ttls);
  }
}

function at<Element>(elements: readonly Element[], indexes: readonly number[]): readonly Element[] {
  return elements.length === 0 ? elements : indexes.map((index) => elements[index] as Element);
}

/**
 * Yields the chunks of a batch. Creates each chunk when it is requested, to limit memory use. Skips chunks that contain
 * only duplicates.
 */
export function* chunksOf({
  keys,
  chunkStarts,
  values,
  ttls,
  canonical,
}: Batch): Generator<Chunk, undefined, undefined> {
  for (const [number, start] of chunkStarts.entries()) {
    const end = chunkStarts[number + 1] ?? keys.length;
    const indexes: number[] = [];
    for (let index = start; index < end; index++) indexes.push(index);
    const isWhole = chunkStarts.length === 1;
    const chunk = isWhole
      ? new Chunk(keys, indexes, values, ttls)
      : new Chunk(keys.slice(start, end), indexes, values.slice(start, end), ttls?.slice(start, end));
    const used = canonical && indexes.filter((index) => canonical[index] === index).map((index) => index - start);
    if (used === undefined) yield chunk;
    else if (used.length > 0) yield chunk.pick(used);
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
  const { length } = keys;
  // Most batches have no duplicates. To find that out, a `Set` takes less time than a `Map`.
  const seen = new Set<string>();
  for (let index = 0; index < length; index++) {
    if (index > 0 && index % mostAtOnce === 0) yield;
    seen.add(keys[index] as string);
  }
  if (seen.size === length) return undefined;
  seen.clear();
  const indexes = new Map<string, number>();
  for (let step = 0; step < length; step++) {
    if (step > 0 && step % mostAtOnce === 0) yield;
    // A later assignment replaces an earlier one.
    const index = policy === "last" ? step : length - 1 - step;
    indexes.set(keys[index] as string, index);
  }
  const canonical = new Int32Array(length);
  for (let index = 0; index < length; index++) {
    if (index > 0 && index % mostAtOnce === 0) yield;
    canonical[index] = indexes.get(keys[index] as string) as number;
  }
  return canonical;
}
