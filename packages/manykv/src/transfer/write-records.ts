import { BatchError, type Outcome, StoreError, type StoreErrorCode } from "@manykv/core";
import { type Item, isRejected, type KeyRecord, type RejectedRecord } from "../records/record.js";

/** A record that was not written, or whose outcome is unknown. */
export interface RecordFailure {
  readonly record: number;
  readonly line: number;
  /** Absent if the record has no readable key. */
  readonly key?: string | undefined;
  readonly outcome: Exclude<Outcome, "applied">;
  readonly code: StoreErrorCode;
  /** Describes what is wrong with the record. Absent if the store failed. */
  readonly problem?: string | undefined;
}

/** The result of a transfer. Every record up to `last` that did not fail was applied. */
export interface Totals {
  readonly applied: number;
  readonly "not-applied": number;
  readonly unknown: number;
  /** Number of the last processed record, or `firstRecord - 1` if none was processed. No later record was sent. */
  readonly last: number;
  /** Whether `last` is the last record of the input. */
  readonly complete: boolean;
  /** Where the next run must start: the first failed record, or the record after `last`. Absent if nothing remains. */
  readonly next?: number | undefined;
  /** Bytes of the keys and values that were sent. */
  readonly bytes: number;
}

export interface WriteOptions<Read extends KeyRecord> {
  /** Writes one batch, as `setMany` and `deleteMany` do. */
  readonly write: (records: readonly Read[]) => Promise<void>;
  readonly bytesOf: (record: Read) => number;
  /** Maximum number of records in one batch. */
  readonly batchSize: number;
  /** Number of the first record of `source`. Default: 1. */
  readonly firstRecord?: number | undefined;
  /** Whether to continue after a failed record. If a batch fails entirely, the transfer ends in any case. */
  readonly continueOnError: boolean;
  /** Called for each failure, in record order. Must not throw. */
  readonly onFailure: (failure: RecordFailure) => Promise<void> | void;
  /** Called after each batch with the number of records applied so far, and the number of the last processed record. */
  readonly onProgress: (applied: number, last: number) => void;
  /** After an abort, `writeRecords` sends no more batches and waits for batches in flight. */
  readonly stop: AbortSignal;
}

export interface WriteResult {
  readonly totals: Totals;
  /** The error of the last failed call to the store. */
  readonly storeError?: unknown;
  /** The error that ended the input early. */
  readonly inputError?: unknown;
}

/** While the store processes one batch, the next batch is read and sent. */
const maxBatchesInFlight = 2;

/** Maximum size of a batch in bytes, to limit memory. A record that is larger has its own batch. */
const maxBatchBytes = 16 * 1024 * 1024;

/**
 * Writes records in batches. If a key occurs more than once, the last record wins, even across batches. Keeps up to
 * three batches in memory: two in flight, and one that it fills.
 */
export async function writeRecords<Read extends KeyRecord>(
  source: AsyncIterable<Item<Read>[]>,
  options: WriteOptions<Read>,
): Promise<WriteResult> {
  const writer = new RecordsWriter(options);
  let inputError: unknown;
  let reachedEnd = false;
  try {
    for await (const items of source) {
      await writer.take(items);
      if (writer.stopped) break;
    }
    reachedEnd = !writer.stopped;
  } catch (error) {
    if (!options.stop.aborted) inputError = error;
  }
  const sentAll = await writer.finish();
  return { totals: writer.totals(reachedEnd && sentAll), storeError: writer.storeError, inputError };
}

class RecordsWriter<Read extends KeyRecord> {
  readonly #options: WriteOptions<Read>;
  readonly #inFlight: WriteBatch<Read>[] = [];
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
      if (isRejected(item)) {
        this.#batch.rejected.push(item);
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

  /** Sends the last batch, unless stopped, and waits for all batches. Returns whether everything was sent. */
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
    this.#inFlight.push(batch);
  }

  #mustWait(batch: WriteBatch<Read>): boolean {
    return this.#inFlight.length >= maxBatchesInFlight || this.#inFlight.some((other) => batch.sharesKeyWith(other));
  }

  async #settleAll(): Promise<void> {
    while (this.#inFlight.length > 0) await this.#settleOldest();
  }

  async #settleOldest(): Promise<void> {
    const batch = this.#inFlight.shift();
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
    this.#options.onProgress(this.#counts.applied, this.#last);
  }
}

/** The records of one call to the store, and the rejected records between them. */
class WriteBatch<Read extends KeyRecord> {
  readonly records: Read[] = [];
  readonly rejected: RejectedRecord[] = [];
  bytes = 0;
  readonly #keys: Set<string> = new Set();
  #error: Promise<unknown> = Promise.resolve();

  add(record: Read, bytes: number): void {
    this.records.push(record);
    this.#keys.add(record.key);
    this.bytes += bytes;
  }

  get size(): number {
    return this.records.length + this.rejected.length;
  }

  /** Number of the last record. */
  get last(): number {
    return Math.max(this.records.at(-1)?.record ?? 0, this.rejected.at(-1)?.record ?? 0);
  }

  sharesKeyWith(other: WriteBatch<Read>): boolean {
    return this.records.some(({ key }) => other.#keys.has(key));
  }

  send(write: (records: readonly Read[]) => Promise<void>): void {
    if (this.records.length === 0) return;
    this.#error = write(this.records).then(
      () => undefined,
      (error: unknown) => error,
    );
  }

  /** Returns the failures in record order, and the error of the call if it failed. */
  async settle(): Promise<{ failures: RecordFailure[]; error: unknown }> {
    const error = await this.#error;
    const rejected = this.rejected.map((item): RecordFailure => ({ ...item, outcome: "not-applied" }));
    if (error === undefined) return { failures: rejected, error };
    const failures = [...rejected, ...this.#failuresOf(error)];
    failures.sort((one, other) => one.record - other.record);
    return { failures, error };
  }

  *#failuresOf(error: unknown): Generator<RecordFailure, void, undefined> {
    if (BatchError.is(error)) {
      for (const { index, outcome, code } of error.failures()) {
        const record = this.records[index];
        if (record !== undefined) yield failureOf(record, outcome, code);
      }
    } else {
      const code = StoreError.is(error) ? error.code : "internal";
      for (const record of this.records) yield failureOf(record, "unknown", code);
    }
  }
}

function failureOf(record: KeyRecord, outcome: RecordFailure["outcome"], code: RecordFailure["code"]): RecordFailure {
  return { record: record.record, line: record.line, key: record.key, outcome, code };
}
