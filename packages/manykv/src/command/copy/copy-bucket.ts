import type { CallOptions, Entry } from "@manykv/core";
import { checkRecord, type Item, isRejected, type KeyRecord } from "../../records/record.js";
import { bytesOfPair, differenceOf, type Pair, pairReader } from "../../transfer/compare-records.js";
import { listFrom, readBatches } from "../../transfer/read-values.js";
import { type RecordFailure, type WriteResult, writeRecords } from "../../transfer/write-records.js";
import type { Interrupt } from "../interrupt.js";
import type { NamedBucket } from "../store-pair.js";
import { ListingPosition } from "./listing-position.js";

export interface CopyOptions {
  readonly prefix: string | undefined;
  readonly batchSize: number;
  readonly continueOnError: boolean;
  /** Whether to write only records that are missing in the target or differ there. */
  readonly update: boolean;
  /** Whether to write nothing. */
  readonly dryRun: boolean;
  /** Largest difference of two remaining times to live that counts as equal, in milliseconds. */
  readonly ttlTolerance: number;
  /** The cursor at which an earlier run stopped. */
  readonly start: string | undefined;
  readonly onFailure: (failure: RecordFailure) => Promise<void> | void;
  readonly onProgress: (counts: CopyCounts, cursor: string | undefined) => void;
  readonly interrupt: Interrupt;
}

/** What a copy of one bucket has done so far. */
export interface CopyCounts {
  /** Number of keys that the source listed. */
  listed: number;
  /** Number of keys whose records were read. */
  read: number;
  copied: number;
  /** Number of records that the target already had. */
  equal: number;
  /** Number of keys that were deleted or expired after they were listed and before they were read. */
  missing: number;
}

interface CopiedRecord extends KeyRecord {
  readonly value: Uint8Array;
  /** When the record expires, on the clock of `performance.now()`. */
  readonly expiresAt: number | undefined;
}

/** The records of a key, and when the read was sent. */
interface TimedPair {
  readonly pair: Pair;
  readonly readAt: number;
}

/** Copies the records of one bucket, in the order in which the source lists the keys. */
export async function copyBucket(
  from: NamedBucket,
  to: NamedBucket,
  options: CopyOptions,
): Promise<WriteResult & { readonly counts: CopyCounts }> {
  const copy = new BucketCopy(from, to, options);
  return { ...(await copy.run()), counts: copy.counts };
}

class BucketCopy {
  readonly #from: NamedBucket;
  readonly #to: NamedBucket;
  readonly #options: CopyOptions;
  readonly #position: ListingPosition;
  readonly #calls: CallOptions;
  readonly counts: CopyCounts = { listed: 0, read: 0, copied: 0, equal: 0, missing: 0 };
  #records = 0;
  #failed = false;

  constructor(from: NamedBucket, to: NamedBucket, options: CopyOptions) {
    this.#from = from;
    this.#to = to;
    this.#options = options;
    this.#position = new ListingPosition(options.start);
    this.#calls = { signal: options.interrupt.stop };
  }

  run(): Promise<WriteResult> {
    const { batchSize, continueOnError, interrupt, onFailure, onProgress } = this.#options;
    return writeRecords(this.#source(), {
      write: (records) => this.#write(records),
      bytesOf: ({ key, value }) => key.length + value.length,
      batchSize,
      continueOnError,
      onFailure: (failure) => {
        // A later run must try this record again, so the position must not pass it.
        this.#failed = true;
        return onFailure(failure);
      },
      onProgress: (copied, last) => {
        this.counts.copied = copied;
        if (!this.#failed) this.#position.copy(last);
        onProgress(this.counts, this.#position.cursor);
      },
      stop: interrupt.stop,
    });
  }

  async #write(records: readonly CopiedRecord[]): Promise<void> {
    if (this.#options.dryRun) return;
    const now = performance.now();
    const entries = records.map(({ key, value, expiresAt }): Entry => {
      if (expiresAt === undefined) return [key, value];
      // A record that has just expired must not remain with an earlier value, so it is written for one millisecond.
      return [key, value, { ttl: Math.max(Math.round(expiresAt - now), 1) }];
    });
    await this.#to.setMany(entries, { signal: this.#options.interrupt.abort });
  }

  async *#source(): AsyncGenerator<Item<CopiedRecord>[]> {
    const read = await this.#reader();
    const bytesOf = ({ pair }: TimedPair): number => bytesOfPair(pair);
    for await (const batch of readBatches(this.#keys(), { read, bytesOf, batchSize: this.#options.batchSize })) {
      const items: Item<CopiedRecord>[] = [];
      for (const [index, key] of batch.keys.entries()) {
        const item = this.#itemOf(key, batch.records[index]);
        if (item !== undefined) items.push(item);
      }
      this.#position.read(batch.keys.length, this.#records);
      this.counts.read += batch.keys.length;
      yield items;
    }
  }

  /** Returns a function that reads records from the source and, for an update, from the target. */
  async #reader(): Promise<(keys: readonly string[]) => Promise<readonly TimedPair[]>> {
    const ofSource = await this.#from.reader(this.#calls);
    const ofTarget = this.#options.update ? await this.#to.reader(this.#calls) : async () => [];
    const read = pairReader(ofSource, ofTarget);
    return async (keys) => {
      // The record is as old when the read is sent as its copy is when the write is sent: both requests then take time.
      const readAt = performance.now();
      return (await read(keys)).map((pair) => ({ pair, readAt }));
    };
  }

  async *#keys(): AsyncGenerator<string[]> {
    const { start, prefix } = this.#options;
    for await (const { keys, cursor } of listFrom(start, this.#from, prefix, this.#calls)) {
      this.#position.list(keys.length, cursor);
      this.counts.listed += keys.length;
      yield keys;
    }
  }

  /** Returns the record to copy, or `undefined` if the source has no record or the target has the same. */
  #itemOf(key: string, read: TimedPair | undefined): Item<CopiedRecord> | undefined {
    const record = read?.pair[0];
    if (read === undefined || record === undefined) {
      this.counts.missing++;
      return undefined;
    }
    if (this.#options.update && differenceOf(key, read.pair, this.#options.ttlTolerance) === undefined) {
      this.counts.equal++;
      return undefined;
    }
    const position = { record: ++this.#records, line: this.#records };
    const [, value, { ttl } = {}] = record;
    const checked = checkRecord(position, { key, value }, this.#to.limits);
    if (isRejected(checked)) return checked;
    return { ...position, key, value, expiresAt: ttl === undefined ? undefined : read.readAt + ttl };
  }
}
