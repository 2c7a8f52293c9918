import { Buffer } from "node:buffer";
import { setTimeout as sleep } from "node:timers/promises";
import type { Bucket, CallOptions, Entry } from "@manykv/core";
import { listPages, type ReadBatch, type ReadRecords, readBatches } from "./read-values.js";

/** How the records of a key differ between two buckets. */
export type DifferenceKind = "only-in-a" | "only-in-b" | "value" | "ttl";

export interface Difference {
  readonly key: string;
  readonly kind: DifferenceKind;
  /** The remaining times to live in A and in B if they differ. `null` stands for a key that does not expire. */
  readonly ttls?: readonly [a: number | null, b: number | null];
}

/** One of the two buckets that are compared. */
export interface ComparedBucket {
  readonly bucket: Pick<Bucket, "listKeys" | "existsMany">;
  readonly read: ReadRecords;
}

/** The records of one key in both buckets. */
export type Pair = readonly [a: Entry | undefined, b: Entry | undefined];

/** Returns a function that reads keys from both buckets at the same time. */
export function pairReader(a: ReadRecords, b: ReadRecords): (keys: readonly string[]) => Promise<readonly Pair[]> {
  return async (keys) => {
    const [ofA, ofB] = await Promise.all([a(keys), b(keys)]);
    return keys.map((_, index): Pair => [ofA[index], ofB[index]]);
  };
}

export function bytesOfPair([a, b]: Pair): number {
  return (a?.[1].length ?? 0) + (b?.[1].length ?? 0);
}

/**
 * Returns how the records of a key differ, or `undefined` if they are equal. Times to live are equal if they differ by at
 * most `ttlTolerance` milliseconds.
 */
export function differenceOf(key: string, [a, b]: Pair, ttlTolerance: number): Difference | undefined {
  if (a === undefined || b === undefined) {
    if (a === b) return undefined;
    return { key, kind: b === undefined ? "only-in-a" : "only-in-b" };
  }
  if (Buffer.compare(a[1], b[1]) !== 0) return { key, kind: "value" };
  const [ofA = null, ofB = null] = [a[2]?.ttl, b[2]?.ttl];
  // A key that does not expire differs from every key that expires.
  const distance = ofA === null || ofB === null ? Number.POSITIVE_INFINITY : Math.abs(ofA - ofB);
  if (ofA === ofB || distance <= ttlTolerance) return undefined;
  return { key, kind: "ttl", ttls: [ofA, ofB] };
}

export interface CompareOptions {
  readonly a: ComparedBucket;
  readonly b: ComparedBucket;
  readonly prefix: string | undefined;
  readonly batchSize: number;
  /** Largest difference of two remaining times to live that counts as equal, in milliseconds. */
  readonly ttlTolerance: number;
  /** Whether to skip the search for keys that exist only in B. */
  readonly onlyFromA?: boolean;
  /** Counts are added to these totals, so that the caller has them even if the comparison fails. */
  readonly totals: CompareTotals;
  readonly onDifference: (difference: Difference) => Promise<void> | void;
  /** Called after each batch with the number of keys of A, and then of B, that were compared so far. */
  readonly onProgress: (compared: number) => void;
  /** Its signal ends the comparison. */
  readonly calls: CallOptions & { readonly signal: AbortSignal };
}

/** Number of keys for each kind of difference, and of equal keys. */
export type CompareTotals = Record<DifferenceKind | "equal", number>;

export const noTotals: Readonly<CompareTotals> = { equal: 0, "only-in-a": 0, "only-in-b": 0, value: 0, ttl: 0 };

/** Pauses before a differing key is read again. A write that is in flight to one of the stores needs less. */
const recheckMilliseconds = [100, 400];

/** Number of differing keys that are collected before they are read again. Limits memory. */
const maxSuspects = 20_000;

/** Number of reported keys that are kept, so that a key that is listed twice is reported only once. Limits memory. */
const maxReported = 100_000;

/**
 * Compares two buckets: reads the keys that A lists from both, and then looks up the keys that B lists in A. Keys that
 * differ are read twice more before they are reported, because clients may be writing.
 */
export async function compareRecords(options: CompareOptions): Promise<void> {
  const comparison = new Comparison(options);
  await comparison.compareKeysOfA();
  if (!options.onlyFromA) await comparison.findKeysOnlyInB();
}

class Comparison {
  readonly #options: CompareOptions;
  readonly #read: (keys: readonly string[]) => Promise<readonly Pair[]>;
  readonly #reported: Set<string> = new Set();
  #suspects: Set<string> = new Set();
  #compared = 0;

  constructor(options: CompareOptions) {
    this.#options = options;
    this.#read = pairReader(options.a.read, options.b.read);
  }

  /** Compares the keys that A lists. A key that only B has by now is left to `findKeysOnlyInB`. */
  async compareKeysOfA(): Promise<void> {
    const { a, prefix, calls } = this.#options;
    for await (const batch of this.#readPairs(listPages(a.bucket, prefix, calls))) {
      for (const [key, difference, pair] of this.#judge(batch)) {
        if (difference !== undefined) this.#suspects.add(key);
        else if (pair[0] !== undefined) this.#options.totals.equal++;
      }
      await this.#advance(batch.keys.length, isFoundInA);
    }
    await this.#recheck(isFoundInA);
  }

  async findKeysOnlyInB(): Promise<void> {
    const { a, b, prefix, batchSize, calls } = this.#options;
    const read = (keys: readonly string[]): Promise<boolean[]> => a.bucket.existsMany(keys, calls);
    const pages = listPages(b.bucket, prefix, calls);
    for await (const { keys, records } of readBatches(pages, { read, bytesOf: () => 1, batchSize })) {
      for (const [index, key] of keys.entries()) if (!records[index]) this.#suspects.add(key);
      await this.#advance(keys.length, isOnlyInB);
    }
    await this.#recheck(isOnlyInB);
  }

  #readPairs(keys: AsyncIterable<readonly string[]>): AsyncGenerator<ReadBatch<Pair>> {
    return readBatches(keys, { read: this.#read, bytesOf: bytesOfPair, batchSize: this.#options.batchSize });
  }

  *#judge({ keys, records }: ReadBatch<Pair>): Generator<readonly [string, Difference | undefined, Pair]> {
    for (const [index, key] of keys.entries()) {
      const pair = records[index] ?? [undefined, undefined];
      yield [key, differenceOf(key, pair, this.#options.ttlTolerance), pair];
    }
  }

  async #advance(keys: number, isReported: (difference: Difference) => boolean): Promise<void> {
    this.#compared += keys;
    this.#options.onProgress(this.#compared);
    if (this.#suspects.size >= maxSuspects) await this.#recheck(isReported);
  }

  /** Reads the suspects again, and reports those that still differ. */
  async #recheck(isReported: (difference: Difference) => boolean): Promise<void> {
    let differences: Difference[] = [];
    for (const milliseconds of recheckMilliseconds) {
      if (this.#suspects.size === 0) return;
      await sleep(milliseconds, undefined, { signal: this.#options.calls.signal });
      differences = [];
      for await (const batch of this.#readPairs(once([...this.#suspects]))) {
        for (const [key, difference, pair] of this.#judge(batch)) {
          if (difference !== undefined) {
            differences.push(difference);
            continue;
          }
          this.#suspects.delete(key);
          if (pair[0] !== undefined && isReported === isFoundInA) this.#options.totals.equal++;
        }
      }
    }
    this.#suspects = new Set();
    for (const difference of differences) if (isReported(difference)) await this.#report(difference);
  }

  async #report(difference: Difference): Promise<void> {
    const { key, kind } = difference;
    if (this.#reported.has(key)) return;
    if (this.#reported.size < maxReported) this.#reported.add(key);
    this.#options.totals[kind]++;
    await this.#options.onDifference(difference);
  }
}

function isFoundInA({ kind }: Difference): boolean {
  return kind !== "only-in-b";
}

function isOnlyInB({ kind }: Difference): boolean {
  return kind === "only-in-b";
}

async function* once(keys: readonly string[]): AsyncGenerator<readonly string[]> {
  yield keys;
}
