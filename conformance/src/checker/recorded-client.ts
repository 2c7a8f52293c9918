import { BatchError, type Bucket, type CallOptions, type Entry, type Outcome, StoreError } from "@manykv/core";
import type { History, Observation, WriteRecord } from "./history.js";
import { identify, uniqueValue } from "./unique-value.js";

/** How a client's calls are recorded. */
export interface RecordedClientOptions {
  /**
   * Whether every lost request is settled before its call ends, so that nothing takes effect later. Default `true`. A
   * write whose call was cancelled may take effect later in any case.
   */
  readonly fenced?: boolean | undefined;
  /** How much longer than its deadline a call may take, in milliseconds. Default 250. */
  readonly tolerance?: number | undefined;
  /** How long this process has been stalled so far, in milliseconds. This time does not count. Default: 0. */
  readonly stalled?: (() => number) | undefined;
  /** Size of the next value, in bytes, at least 12. Default 24. */
  readonly valueBytes?: (() => number) | undefined;
}

/** How a call ended. Calls of a recorded client never reject. */
export interface CallEnd {
  readonly error?: unknown;
}

/** A bucket that records every call in a history, and writes a unique value each time. */
export class RecordedClient {
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

  /** The longest time that a call took beyond its deadline, in milliseconds. Negative if all were faster. */
  get worstOverrun(): number {
    return this.#worstOverrun;
  }

  set(key: string, options?: CallOptions): Promise<CallEnd> {
    const { records, entries } = this.#begin([key], "set");
    const [[, value]] = entries as [Entry];
    return this.#write(records, options, () => this.#bucket.set(key, value, options));
  }

  delete(key: string, options?: CallOptions): Promise<CallEnd> {
    const { records } = this.#begin([key], "delete");
    return this.#write(records, options, () => this.#bucket.delete(key, options));
  }

  /** Overwrites the values as soon as the call has returned its promise, which rule S2 permits. */
  setMany(keys: readonly string[], options?: CallOptions): Promise<CallEnd> {
    const { records, entries } = this.#begin(keys, "set");
    return this.#write(records, options, () => {
      const call = this.#bucket.setMany(entries, options);
      for (const [, value] of entries) value.fill(0xee);
      return call;
    });
  }

  deleteMany(keys: readonly string[], options?: CallOptions): Promise<CallEnd> {
    const { records } = this.#begin(keys, "delete");
    return this.#write(records, options, () => this.#bucket.deleteMany(keys, options));
  }

  get(key: string, options?: CallOptions): Promise<CallEnd> {
    return this.#read(
      options,
      () => this.#bucket.get(key, options),
      (value, seen) => {
        seen(key, observationOf(value));
      },
    );
  }

  exists(key: string, options?: CallOptions): Promise<CallEnd> {
    return this.#read(
      options,
      () => this.#bucket.exists(key, options),
      (exists, seen) => {
        seen(key, exists ? "present" : "missing");
      },
    );
  }

  getMany(keys: readonly string[], options?: CallOptions): Promise<CallEnd> {
    return this.#read(
      options,
      () => this.#bucket.getMany(keys, options),
      (pairs, seen) => {
        if (pairs.length !== keys.length) this.#misplaced(`${pairs.length} places for ${keys.length} keys`);
        for (const [place, key] of keys.entries()) {
          const pair = pairs[place];
          if (pair !== undefined && pair[0] !== key) this.#misplaced(`place ${place} has another key`);
          seen(key, observationOf(pair?.[1]));
          // Rule S2 permits to modify returned values.
          pair?.[1].fill(0xdd);
        }
      },
    );
  }

  /** Lists the whole bucket: each of `keys` was present at some time if listed, and missing at some time otherwise. */
  list(keys: readonly string[], options?: CallOptions): Promise<CallEnd> {
    const listing = async (): Promise<Set<string>> => {
      const listed = new Set<string>();
      for await (const key of this.#bucket.keys(options)) listed.add(key);
      return listed;
    };
    // The deadline applies to each page.
    return this.#read({ timeout: Number.POSITIVE_INFINITY }, listing, (listed, seen) => {
      for (const key of keys) seen(key, listed.has(key) ? "present" : "missing");
      for (const key of listed) if (!keys.includes(key)) this.#misplaced("a key was listed that no client wrote");
    });
  }

  #begin(
    keys: readonly string[],
    kind: "set" | "delete",
  ): { records: readonly WriteRecord[]; entries: readonly Entry[] } {
    const start = this.#history.tick();
    // If a key occurs twice, the last value wins (rule S5), and the others are never written.
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
      this.#malformed("the counts of a BatchError do not add up to its entries");
    }
    const failed = [...error.failures()];
    if (failed.length === 0) this.#malformed("a BatchError has no failures");
    if (failed.some(({ index, outcome }) => error.outcomeOf(index) !== outcome)) {
      this.#malformed("failures() and outcomeOf() of a BatchError differ");
    }
    return (place) => error.outcomeOf(place);
  }

  /** Milliseconds for which this process was not stalled. */
  #clock(): number {
    return performance.now() - this.#stalled();
  }

  #checkTime(began: number, options: CallOptions | undefined): void {
    const overrun = this.#clock() - began - (options?.timeout ?? 10_000);
    this.#worstOverrun = Math.max(this.#worstOverrun, overrun);
    if (overrun > this.#tolerance) {
      const text = `${this.name}: a call took ${Math.round(overrun)} ms longer than its deadline`;
      this.#history.addAnomaly("settled-late", text);
    }
  }

  #malformed(text: string): void {
    this.#history.addAnomaly("malformed-error", `${this.name}: ${text}`);
  }

  #misplaced(text: string): void {
    this.#history.addAnomaly("misplaced-answer", `${this.name}: ${text}`);
  }

  /** A bucket's name contains no slash, so two keys of a history never have the same name. */
  #nameOf(key: string): string {
    return `${this.#bucket.name}/${key}`;
  }
}

function observationOf(value: Uint8Array | undefined): Observation {
  return value === undefined ? "missing" : identify(value);
}
