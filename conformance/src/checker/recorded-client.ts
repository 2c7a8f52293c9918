import { BatchError, type Bucket, type CallOptions, type Entry, type Outcome, StoreError } from "@manykv/core";
import type { History, Observation, WriteRecord } from "./history.js";
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
 * unique value with every set.
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
  #worstOverrun = Number.NEGATIVE_INFINITY;

  constructor(history: History, name: string, bucket: Bucket, options: RecordedClientOptions = {}) {
    this.name = name;
    this.#history = history;
    this.#bucket = bucket;
    this.#fenced = options.fenced ?? true;
    this.#tolerance = options.tolerance ?? 250;
    this.#stalled = options.stalled ?? (() => 0);
    this.#valueBytes = options.valueBytes ?? (() => 24);
  }

  /**
   * The longest time that a call took beyond its deadline, in milliseconds. Negative if every call settled before its
   * deadline. `-Infinity` until a call with a deadline has settled.
   */
  get worstOverrun(): number {
    return this.#worstOverrun;
  }

  /** Sets the key to a unique value. */
  set(key: string, options?: CallOptions): Promise<CallEnd> {
    const { records, entries } = this.#begin([key], "set");
    const [[, value]] = entries as [Entry];
    return this.#write(records, options, () => this.#bucket.set(key, value, options));
  }

  /** Deletes the key. */
  delete(key: string, options?: CallOptions): Promise<CallEnd> {
    const { records } = this.#begin([key], "delete");
    return this.#write(records, options, () => this.#bucket.delete(key, options));
  }

  /**
   * Sets the keys to unique values in one batch. As soon as the bucket has returned its promise, overwrites the bytes
   * of these values. Rule S2 permits this.
   */
  setMany(keys: readonly string[], options?: CallOptions): Promise<CallEnd> {
    const { records, entries } = this.#begin(keys, "set");
    return this.#write(records, options, () => {
      const call = this.#bucket.setMany(entries, options);
      for (const [, value] of entries) value.fill(0xee);
      return call;
    });
  }

  /** Deletes the keys in one batch. */
  deleteMany(keys: readonly string[], options?: CallOptions): Promise<CallEnd> {
    const { records } = this.#begin(keys, "delete");
    return this.#write(records, options, () => this.#bucket.deleteMany(keys, options));
  }

  /** Reads the value of the key and records which write it came from. */
  get(key: string, options?: CallOptions): Promise<CallEnd> {
    return this.#read(
      options,
      () => this.#bucket.get(key, options),
      (value, seen) => {
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
          seen(key, observationOf(pair?.[1]));
          // Rule S2 permits the caller to modify returned values.
          pair?.[1].fill(0xdd);
        }
      },
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

  #begin(
    keys: readonly string[],
    kind: "set" | "delete",
  ): { records: readonly WriteRecord[]; entries: readonly Entry[] } {
    const start = this.#history.tick();
    // If a key occurs more than once, the last value wins (rule S5), and core does not write the other values.
    const byKey = new Map<string, WriteRecord>();
    const entries: Entry[] = [];
    const last = new Map(keys.map((key, place) => [key, place]));
    for (const [place, key] of keys.entries()) {
      const wins = last.get(key) === place;
      const record = wins ? this.#history.beginWrite(this.name, this.#nameOf(key), kind, start) : undefined;
      if (record !== undefined) byKey.set(key, record);
      entries.push([key, uniqueValue(record?.write ?? 0, this.#valueBytes())]);
    }
    return { records: keys.map((key) => byKey.get(key) as WriteRecord), entries };
  }

  async #write(
    records: readonly WriteRecord[],
    options: CallOptions | undefined,
    send: () => Promise<void>,
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
    return failure ?? {};
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
  return value === undefined ? "missing" : identify(value);
}
