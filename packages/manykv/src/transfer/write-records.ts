import { type Item, isRefused, type KeyRecord } from "../records/record.js";
import type { Failure, Totals } from "./totals.js";
import { WriteBatch } from "./write-batch.js";

export interface WriteOptions<Read extends KeyRecord> {
  /** Writes one batch, as `setMany` and `deleteMany` do. */
  readonly write: (records: readonly Read[]) => Promise<void>;
  readonly bytesOf: (record: Read) => number;
  readonly batchSize: number;
  /** The number of the first record that `source` may give. Default 1. */
  readonly firstRecord?: number | undefined;
  /** Whether records after a failure are still written. A batch of which nothing was applied ends it all the same. */
  readonly continueOnError: boolean;
  /** Told of each failure, in the order of the records. Does not throw. */
  readonly onFailure: (failure: Failure) => Promise<void> | void;
  /** Told of each settled batch. */
  readonly onProgress: (applied: number) => void;
  /** Fires when no more is to be sent. What is under way is waited for. */
  readonly stop: AbortSignal;
}

export interface WriteResult {
  readonly totals: Totals;
  /** What the store's last failed call rejected with. */
  readonly storeError?: unknown;
  /** Why the input could not be read to its end. */
  readonly inputError?: unknown;
}

/** Two batches overlap: while the engine works on one, the next is read and sent. */
const batchesInFlight = 2;

/** Bounds the memory of a batch; a single larger record makes a batch of its own. */
const maxBatchBytes = 16 * 1024 * 1024;

/**
 * Writes records in batches, in order: of a key that comes twice the later record wins, also across batches. Memory
 * is bounded by two batches and a chunk of input.
 */
export async function writeRecords<Read extends KeyRecord>(
  source: AsyncIterable<Item<Read>[]>,
  options: WriteOptions<Read>,
): Promise<WriteResult> {
  const run = new WriteRun(options);
  let inputError: unknown;
  let reachedEnd = false;
  try {
    for await (const items of source) {
      await run.take(items);
      if (run.stopped) break;
    }
    reachedEnd = !run.stopped;
  } catch (error) {
    if (!options.stop.aborted) inputError = error;
  }
  const sentAll = await run.finish();
  return { totals: run.totals(reachedEnd && sentAll), storeError: run.storeError, inputError };
}

class WriteRun<Read extends KeyRecord> {
  readonly #options: WriteOptions<Read>;
  readonly #underWay: WriteBatch<Read>[] = [];
  #batch: WriteBatch<Read> = new WriteBatch();
  #failed = false;
  readonly #counts = { applied: 0, "not-applied": 0, unknown: 0 };
  #last: number;
  #firstFailure: number | undefined;
  #bytes = 0;
  storeError: unknown;

  constructor(options: WriteOptions<Read>) {
    this.#options = options;
    this.#last = (options.firstRecord ?? 1) - 1;
  }

  get stopped(): boolean {
    return this.#failed || this.#options.stop.aborted;
  }

  async take(items: readonly Item<Read>[]): Promise<void> {
    for (const item of items) {
      if (this.stopped) return;
      if (isRefused(item)) {
        this.#batch.refused.push(item);
        if (item.endsInput || !this.#options.continueOnError) {
          await this.#send();
          await this.#settleAll();
          this.#failed = true;
          return;
        }
      } else {
        const bytes = this.#options.bytesOf(item);
        if (this.#batch.bytes + bytes > maxBatchBytes) await this.#send();
        if (this.stopped) return;
        this.#batch.add(item, bytes);
      }
      if (this.#batch.size >= this.#options.batchSize) await this.#send();
    }
  }

  /** Sends what was taken, unless stopped, and waits for all that is under way. Whether nothing was left unsent. */
  async finish(): Promise<boolean> {
    if (!this.stopped) await this.#send();
    await this.#settleAll();
    return this.#batch.size === 0;
  }

  totals(complete: boolean): Totals {
    const next = this.#firstFailure ?? (complete ? undefined : this.#last + 1);
    return { ...this.#counts, last: this.#last, complete, next, bytes: this.#bytes };
  }

  async #send(): Promise<void> {
    const batch = this.#batch;
    if (batch.size === 0) return;
    while (this.#mustWait(batch)) await this.#settleOldest();
    if (this.stopped) return;
    this.#batch = new WriteBatch();
    batch.send(this.#options.write);
    this.#underWay.push(batch);
  }

  #mustWait(batch: WriteBatch<Read>): boolean {
    return (
      this.#underWay.length >= batchesInFlight || this.#underWay.some((other) => batch.sharesKeyWith(other))
    );
  }

  async #settleAll(): Promise<void> {
    while (this.#underWay.length > 0) await this.#settleOldest();
  }

  async #settleOldest(): Promise<void> {
    const batch = this.#underWay.shift();
    if (batch === undefined) return;
    const { failures, error } = await batch.settle();
    this.#last = batch.last;
    this.#bytes += batch.bytes;
    this.#counts.applied += batch.size - failures.length;
    for (const failure of failures) {
      this.#counts[failure.outcome]++;
      this.#firstFailure ??= failure.record;
      await this.#options.onFailure(failure);
    }
    this.storeError = error ?? this.storeError;
    const nothingApplied = error !== undefined && failures.length === batch.size;
    if (nothingApplied || (failures.length > 0 && !this.#options.continueOnError)) this.#failed = true;
    this.#options.onProgress(this.#counts.applied);
  }
}
