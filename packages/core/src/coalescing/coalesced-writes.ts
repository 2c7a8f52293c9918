import { BatchError, type Outcome } from "../batch-error.js";
import { uniformOutcomes } from "../execution/outcomes.js";
import type { SignalHub } from "../execution/signal-hub.js";
import { explain } from "../messages.js";
import type { Bucket, CallOptions, KeyValue } from "../store.js";
import { accessOf } from "../store-access.js";
import type { StoreErrorCode } from "../store-error.js";
import { optionsOfBatch, PendingCall, takeByTimeout } from "./pending-call.js";
import { TurnQueue } from "./turn-queue.js";

class Write extends PendingCall<void> {
  /** Absent for a `delete`. */
  readonly value: Uint8Array | undefined;
  /** Earlier writes of the same turn to the same key: they share what becomes of this one. */
  superseded: Write[] = [];

  constructor(key: string, value: Uint8Array | undefined, options: CallOptions, signals: SignalHub) {
    const operation = value === undefined ? "delete" : "set";
    super(key, options, signals, (why, sent) =>
      oneFailure({ code: why, outcome: sent ? "unknown" : "not-applied", retryable: undefined }, operation),
    );
    this.value = value;
  }
}

/** Turns the `set` and `delete` calls of one turn into one `setMany` and one `deleteMany`. */
export class CoalescedWrites {
  readonly #bucket: Bucket;
  readonly #signals: SignalHub;
  readonly #queue: TurnQueue<Write>;

  constructor(bucket: Bucket, signals: SignalHub) {
    this.#bucket = bucket;
    this.#signals = signals;
    this.#queue = new TurnQueue(bucket, (writes) => {
      for (const group of takeByTimeout(lastOfEachKey(writes))) this.#flush(group);
    });
  }

  /** `value` must not change any more. */
  add(key: string, value: Uint8Array | undefined, options: CallOptions = {}): Promise<void> {
    const write = new Write(key, value, options, this.#signals);
    this.#queue.add(write);
    return write.promise;
  }

  #flush(group: readonly Write[]): void {
    for (const write of group) this.#limitEarlier(write);
    const sets = group.filter((write) => write.value !== undefined);
    const deletes = group.filter((write) => write.value === undefined);
    const entries = sets.map((write): KeyValue => [write.key, write.value as Uint8Array]);
    if (sets.length > 0) void hand(this.#bucket.setMany(entries, optionsOfBatch(sets.flatMap(allOf))), sets);
    const keys = deletes.map((write) => write.key);
    if (deletes.length > 0)
      void hand(this.#bucket.deleteMany(keys, optionsOfBatch(deletes.flatMap(allOf))), deletes);
  }

  /** A batch has the deadline of the last writes: earlier ones may have to end before it does. */
  #limitEarlier(write: Write): void {
    const fallback = accessOf(this.#bucket)?.defaultTimeout;
    const { timeout: longest = fallback ?? Infinity, superseded } = write;
    for (const earlier of superseded) {
      const { timeout = fallback } = earlier;
      if (timeout !== undefined && timeout < longest) earlier.expireAfter(timeout);
    }
  }
}

/** A write and those that share what becomes of it. */
function allOf(write: Write): readonly Write[] {
  for (const earlier of write.superseded) earlier.sent = true;
  return [write, ...write.superseded];
}

/** Of the writes of one turn to one key the last counts, as for the duplicates of one batch. */
function lastOfEachKey(writes: readonly Write[]): Iterable<Write> {
  const last = new Map<string, Write>();
  for (const write of writes) {
    if (!write.waiting) continue;
    const earlier = last.get(write.key);
    if (earlier !== undefined) {
      write.superseded = earlier.superseded;
      write.superseded.push(earlier);
    }
    last.set(write.key, write);
  }
  return last.values();
}

/** Tells each call what became of its key. */
async function hand(batch: Promise<void>, writes: readonly Write[]): Promise<void> {
  const error: unknown = await batch.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const failures = BatchError.is(error) ? failuresByIndex(error) : undefined;
  writes.forEach((write, index) => {
    for (const call of allOf(write)) {
      if (error === undefined) call.resolve();
      else if (failures === undefined) call.reject(error);
      else settleOne(call, failures.get(index));
    }
  });
}

interface Failed {
  readonly code: StoreErrorCode;
  readonly outcome: Outcome;
  readonly retryable: boolean | undefined;
}

/** A batch that is worth a repetition has no entry that is not; otherwise those of one code are alike. */
function failuresByIndex(error: BatchError): ReadonlyMap<number, Failed> {
  const failures = [...error.failures()];
  const alike = error.retryable || failures.every(({ code }) => code === error.code);
  const retryable = alike ? error.retryable : undefined;
  return new Map(failures.map(({ index, code, outcome }) => [index, { code, outcome, retryable }]));
}

function settleOne(call: Write, failed: Failed | undefined): void {
  if (failed === undefined) call.resolve();
  else call.reject(oneFailure(failed, call.value === undefined ? "delete" : "set"));
}

function oneFailure({ code, outcome, retryable }: Failed, operation: string): BatchError {
  const message = `${operation}: the entry is ${outcome}: ${explain({ code })}`;
  const table = uniformOutcomes(1, outcome, code);
  return new BatchError(code, message, table, retryable === undefined ? {} : { retryable });
}
