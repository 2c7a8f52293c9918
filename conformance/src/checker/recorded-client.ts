import {
  BatchError,
  type Bucket,
  type CallOptions,
  type Entry,
  type IncrementOptions,
  type Outcome,
  type SetOptions,
  StoreError,
} from "@manykv/core";
import type { History, Observation, WriteDetails, WriteKind, WriteRecord } from "./history.js";
import { identify, uniqueValue } from "./unique-value.js";

/** Options of a recorded client. */
export interface RecordedClientOptions {
  /**
   * Whether the driver stops lost requests before the call settles, so that no write takes effect later. A write of a
   * cancelled call may take effect later in either case. Default `true`.
   */
  readonly fenced?: boolean | undefined;
  /**
   * Time that a call may take beyond its deadline, in milliseconds. Default 250. The deadline is `timeout` milliseconds
   * after the start of the call, or 10,000 ms if the call has no `timeout`.
   */
  readonly tolerance?: number | undefined;
  /**
   * Returns how long the process has been stalled so far, in milliseconds. The client subtracts this time from the
   * duration of calls. Default: a function that returns 0.
   */
  readonly stalled?: (() => number) | undefined;
  /** Returns the size of the next value, in bytes. A result below 12 counts as 12. Default 24. */
  readonly valueBytes?: (() => number) | undefined;
  /**
   * Returns the time to live of the next entry of `setMany`, in milliseconds, or `undefined` to use the `ttl` of the call.
   * Default: a function that returns `undefined`.
   */
  readonly entryTtl?: (() => number | undefined) | undefined;
}

/**
 * The result of a call of a recorded client. The call never rejects. If the bucket's call rejects, `error` is the error
 * of the bucket.
 */
export interface CallEnd {
  /** The error of the bucket's call. Absent if the call resolved. */
  readonly error?: unknown;
}

/**
 * Wraps a bucket. Records every write, every read that resolves and the anomalies of calls in a history. Writes a
 * unique value with every set and swap. Increment only keys without such a value, because increments of such a
 * value fail with `wrong-type`.
 */
export class RecordedClient {
  /** Name of the client in the history. */
  readonly name: string;
  readonly #bucket: Bucket;
  readonly #history: History;
  readonly #fenced: boolean;
  readonly #tolerance: number;
  readonly #stalled: () => number;
  readonly #valueBytes: () => number;
  readonly #entryTtl: () => number | undefined;
  /** The value of each key that the client knows, for swaps. */
  readonly #known: Map<string, Uint8Array | undefined> = new Map();
  #worstOverrun = Number.NEGATIVE_INFINITY;

  constructor(history: History, name: string, bucket: Bucket, options: RecordedClientOptions = {}) {
    this.name = name;
    this.#history = history;
    this.#bucket = bucket;
    this.#fenced = options.fenced ?? true;
    this.#tolerance = options.tolerance ?? 250;
    this.#stalled = options.stalled ?? (() => 0);
    this.#valueBytes = options.valueBytes ?? (() => 24);
    this.#entryTtl = options.entryTtl ?? (() => undefined);
  }

  /**
   * The longest time that a call took beyond its deadline, in milliseconds. Negative if every call settled before its
   * deadline. `-Infinity` until a call with a deadline has settled.
   */
  get worstOverrun(): number {
    return this.#worstOverrun;
  }

  /** Sets the key to a unique value. */
  set(key: string, options?: SetOptions): Promise<CallEnd> {
    const { records, entries } = this.#begin([key], options);
    const [[, value]] = entries as [Entry];
    return this.#write(records, options, () => this.#bucket.set(key, value, options));
  }

  /** Deletes the key. */
  delete(key: string, options?: CallOptions): Promise<CallEnd> {
    return this.#write(this.#beginDelete([key]), options, () => this.#bucket.delete(key, options));
  }

  /**
   * Sets the keys to unique values in one batch. As soon as the bucket has returned its promise, overwrites the bytes
   * of these values. Rule S2 permits this.
   */
  setMany(keys: readonly string[], options?: SetOptions): Promise<CallEnd> {
    const { records, entries } = this.#begin(keys, options, this.#entryTtl);
    return this.#write(records, options, () => {
      const call = this.#bucket.setMany(entries, options);
      for (const [, value] of entries) value.fill(0xee);
      return call;
    });
  }

  /** Deletes the keys in one batch. */
  deleteMany(keys: readonly string[], options?: CallOptions): Promise<CallEnd> {
    return this.#write(this.#beginDelete(keys), options, () => this.#bucket.deleteMany(keys, options));
  }

  /** Adds `delta` to the integer under the key. */
  increment(key: string, delta = 1n, options?: IncrementOptions): Promise<CallEnd> {
    const record = this.#beginWrite(key, "increment", this.#history.tick(), { delta, ttl: options?.ttl });
    return this.#write([record], options, async () => {
      record.result = await this.#bucket.increment(key, delta, options);
    });
  }

  /**
   * Swaps the value that the client knows for a unique value (`set`) or for no value (`delete`). The client knows a value
   * from its last `get`, `getMany` or swap of the key, and expects a key to be missing until then. If the swap finds another
   * value, records that as a read.
   */
  compareAndSwap(key: string, kind: "set" | "delete", options?: CallOptions): Promise<CallEnd> {
    const known = this.#known.get(key);
    const expected = observationOf(known);
    const start = this.#history.tick();
    const record = this.#beginWrite(key, kind, start, { expected });
    const value = kind === "set" ? uniqueValue(record.write, this.#valueBytes()) : undefined;
    let current: { readonly value: Uint8Array | undefined } | undefined;
    const swap = async (): Promise<void> => {
      const result = await this.#bucket.compareAndSwap(key, { expected: known, value }, options);
      if (!result.swapped) current = { value: result.current };
    };
    return this.#write([record], options, swap, () => {
      if (record.resolved) this.#known.set(key, current === undefined ? value : current.value);
      if (current === undefined) return;
      record.outcome = "not-applied";
      const found = observationOf(current.value);
      if (found === expected) {
        const text = `${this.name}: a swap of ${key} failed although it found what it expected`;
        this.#history.addAnomaly("false-condition", text);
      }
      this.#history.addRead(this.name, record.key, start, record.end, found);
    });
  }

  /** Reads the value of the key and records which write it came from. */
  get(key: string, options?: CallOptions): Promise<CallEnd> {
    return this.#read(
      options,
      () => this.#bucket.get(key, options),
      (value, seen) => {
        this.#known.set(key, value);
        seen(key, observationOf(value));
      },
    );
  }

  /** Records whether the key exists. */
  exists(key: string, options?: CallOptions): Promise<CallEnd> {
    return this.#read(
      options,
      () => this.#bucket.exists(key, options),
      (exists, seen) => {
        seen(key, exists ? "present" : "missing");
      },
    );
  }

  /**
   * Reads the keys in one batch and records which write each value came from. Then overwrites the bytes of the returned
   * values. Rule S2 permits this.
   */
  getMany(keys: readonly string[], options?: CallOptions): Promise<CallEnd> {
    return this.#read(
      options,
      () => this.#bucket.getMany(keys, options),
      (pairs, seen) => {
        if (pairs.length !== keys.length)
          this.#misplaced(`getMany returned ${pairs.length} entries for ${keys.length} keys`);
        for (const [place, key] of keys.entries()) {
          const pair = pairs[place];
          if (pair !== undefined && pair[0] !== key) this.#misplaced(`getMany returned another key at index ${place}`);
          this.#known.set(key, pair?.[1].slice());
          seen(key, observationOf(pair?.[1]));
          // Rule S2 permits the caller to modify returned values.
          pair?.[1].fill(0xdd);
        }
      },
    );
  }

  /** Reads the keys in one batch as a map, and records which write each value came from. */
  getMap(keys: readonly string[], options?: CallOptions): Promise<CallEnd> {
    return this.#read(
      options,
      () => this.#bucket.getMap(keys, options),
      (found, seen) => {
        for (const key of new Set(keys)) seen(key, observationOf(found.get(key)));
        for (const key of found.keys())
          if (!keys.includes(key)) this.#misplaced("getMap returned a key that was not requested");
      },
    );
  }

  /** Records whether the keys exist. */
  existsMany(keys: readonly string[], options?: CallOptions): Promise<CallEnd> {
    return this.#readPresence(
      keys,
      options,
      () => this.#bucket.existsMany(keys, options),
      (exists) => exists,
    );
  }

  /** Reads the remaining time to live of the keys, and records whether the keys exist. */
  ttlMany(keys: readonly string[], options?: CallOptions): Promise<CallEnd> {
    return this.#readPresence(
      keys,
      options,
      () => this.#bucket.ttlMany(keys, options),
      (ttl) => ttl !== undefined,
    );
  }

  /**
   * Lists the whole bucket and records for each of `keys` whether the listing contains this key. A listed key was
   * present at some time during the listing. Any other key was missing at some time during the listing. `keys` must
   * contain every key that clients write, because the client records any other listed key as an anomaly.
   */
  list(keys: readonly string[], options?: CallOptions): Promise<CallEnd> {
    const listing = async (): Promise<Set<string>> => {
      const listed = new Set<string>();
      for await (const key of this.#bucket.keys(options)) listed.add(key);
      return listed;
    };
    // The timeout in `options` applies to each page, so the whole listing has no deadline.
    return this.#read({ timeout: Number.POSITIVE_INFINITY }, listing, (listed, seen) => {
      for (const key of keys) seen(key, listed.has(key) ? "present" : "missing");
      for (const key of listed)
        if (!keys.includes(key)) this.#misplaced("the listing contains a key that no client wrote");
    });
  }

  /** Records the sets of a batch. */
  #begin(
    keys: readonly string[],
    { ifAbsent = false, ttl }: SetOptions = {},
    entryTtl: () => number | undefined = () => undefined,
  ): { records: readonly WriteRecord[]; entries: readonly Entry[] } {
    const start = this.#history.tick();
    const expected = ifAbsent ? "missing" : undefined;
    // If a key occurs more than once, the last value wins (rule S5), and core does not write the other values. With
    // `ifAbsent`, the first value wins, and each entry has its own outcome.
    const winners = new Map<string, WriteRecord>();
    const last = new Map(keys.map((key, place) => [key, place]));
    const records: (WriteRecord | undefined)[] = [];
    const entries = keys.map((key, place): Entry => {
      const ownTtl = entryTtl();
      const wins = ifAbsent || last.get(key) === place;
      const record = wins ? this.#beginWrite(key, "set", start, { expected, ttl: ownTtl ?? ttl }) : undefined;
      if (record !== undefined) winners.set(key, record);
      records.push(record);
      const value = uniqueValue(record?.write ?? 0, this.#valueBytes());
      return ownTtl === undefined ? [key, value] : [key, value, { ttl: ownTtl }];
    });
    return {
      records: records.map((record, place) => record ?? (winners.get(keys[place] as string) as WriteRecord)),
      entries,
    };
  }

  #beginDelete(keys: readonly string[]): readonly WriteRecord[] {
    const start = this.#history.tick();
    const records = new Map<string, WriteRecord>();
    for (const key of new Set(keys)) records.set(key, this.#beginWrite(key, "delete", start));
    return keys.map((key) => records.get(key) as WriteRecord);
  }

  #beginWrite(key: string, kind: WriteKind, start: number, details?: WriteDetails): WriteRecord {
    return this.#history.beginWrite(this.name, this.#nameOf(key), kind, start, details);
  }

  /** Sends a write and records the outcome of each entry. Then calls `finish`. */
  async #write(
    records: readonly WriteRecord[],
    options: CallOptions | undefined,
    send: () => Promise<void>,
    finish: () => void = () => {},
  ): Promise<CallEnd> {
    const began = this.#clock();
    let failure: { error: unknown } | undefined;
    try {
      await send();
    } catch (error) {
      failure = { error };
    }
    const end = this.#history.tick();
    this.#checkTime(began, options);
    const outcomeOf = failure === undefined ? () => "applied" as const : this.#outcomes(failure.error, records);
    for (const [place, record] of records.entries()) {
      record.end = end;
      record.outcome = outcomeOf(place);
      record.resolved = failure === undefined;
      const cancelled = options?.signal?.aborted === true && record.outcome === "unknown";
      record.late = !this.#fenced || cancelled;
    }
    if (BatchError.is(failure?.error)) this.#addFoundKeys(records, failure.error);
    finish();
    return failure ?? {};
  }

  /** Records the keys that `ifAbsent` found. Later entries with the same key fail without a request (rule S5). */
  #addFoundKeys(records: readonly WriteRecord[], error: BatchError): void {
    const first = new Map(records.map((record) => [record.key, record]).reverse() as [string, WriteRecord][]);
    for (const { index, code } of error.failures()) {
      const { key, expected, start, end } = records[index] as WriteRecord;
      if (expected !== "missing" || code !== "precondition-failed" || first.get(key) !== records[index]) continue;
      this.#history.addRead(this.name, key, start, end, "present");
    }
  }

  #readPresence<Value>(
    keys: readonly string[],
    options: CallOptions | undefined,
    send: () => Promise<readonly Value[]>,
    isPresent: (value: Value) => boolean,
  ): Promise<CallEnd> {
    return this.#read(options, send, (values, seen) => {
      if (values.length !== keys.length)
        this.#misplaced(`a read returned ${values.length} results for ${keys.length} keys`);
      for (const [place, key] of keys.entries()) seen(key, isPresent(values[place] as Value) ? "present" : "missing");
    });
  }

  async #read<Answer>(
    options: CallOptions | undefined,
    send: () => Promise<Answer>,
    enter: (answer: Answer, seen: (key: string, observation: Observation) => void) => void,
  ): Promise<CallEnd> {
    const began = this.#clock();
    const start = this.#history.tick();
    try {
      const answer = await send();
      const end = this.#history.tick();
      enter(answer, (key, observation) => this.#history.addRead(this.name, this.#nameOf(key), start, end, observation));
      return {};
    } catch (error) {
      if (!StoreError.is(error)) this.#malformed("a read rejected with something other than a StoreError");
      return { error };
    } finally {
      this.#checkTime(began, options);
    }
  }

  #outcomes(error: unknown, records: readonly WriteRecord[]): (place: number) => Outcome {
    if (!BatchError.is(error)) {
      this.#malformed("a write rejected with something other than a BatchError");
      return () => "unknown";
    }
    const { counts } = error;
    if (counts.applied + counts["not-applied"] + counts.unknown !== records.length) {
      this.#malformed("the counts of a BatchError do not add up to the number of entries");
    }
    const failed = [...error.failures()];
    if (failed.length === 0) this.#malformed("a BatchError contains no failed entry");
    if (failed.some(({ index, outcome }) => error.outcomeOf(index) !== outcome)) {
      this.#malformed("failures() and outcomeOf() of a BatchError report different outcomes");
    }
    return (place) => error.outcomeOf(place);
  }

  /** Returns the current time in milliseconds, without the time for which the process was stalled. */
  #clock(): number {
    return performance.now() - this.#stalled();
  }

  #checkTime(began: number, options: CallOptions | undefined): void {
    const overrun = this.#clock() - began - (options?.timeout ?? 10_000);
    this.#worstOverrun = Math.max(this.#worstOverrun, overrun);
    if (overrun > this.#tolerance) {
      const text = `${this.name}: a call settled ${Math.round(overrun)} ms after its deadline`;
      this.#history.addAnomaly("settled-late", text);
    }
  }

  #malformed(text: string): void {
    this.#history.addAnomaly("malformed-error", `${this.name}: ${text}`);
  }

  #misplaced(text: string): void {
    this.#history.addAnomaly("misplaced-answer", `${this.name}: ${text}`);
  }

  /** Returns the name of a key in the history. This name is unique, because a bucket name contains no slash. */
  #nameOf(key: string): string {
    return `${this.#bucket.name}/${key}`;
  }
}

function observationOf(value: Uint8Array | undefined): Observation {
  if (value === undefined) return "missing";
  const write = identify(value);
  return write === "torn" ? (integerIn(value) ?? "torn") : write;
}

/** Returns the integer that an increment stored, or `undefined` if the value is not an integer. */
function integerIn(value: Uint8Array): bigint | undefined {
  const text = String.fromCharCode(...value.subarray(0, 21));
  return /^(0|-?[1-9][0-9]{0,18})$/.test(text) ? BigInt(text) : undefined;
}
