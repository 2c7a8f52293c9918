import { BatchError, type Bucket, type CallOptions, type Entry, type Outcome, StoreError } from "@manykv/core";
import type { History, Sight, WriteRecord } from "./history.js";
import { identify, uniqueValue } from "./unique-value.js";

/** How a client's calls are entered into the history. */
export interface RecordedClientOptions {
  /**
   * Whether every lost request is settled before its call ends, so that nothing lands later. Default `true`. A write
   * whose call was cancelled may land later in any case.
   */
  readonly fenced?: boolean | undefined;
  /** What a call may take beyond its deadline, in milliseconds. Default 250. */
  readonly tolerance?: number | undefined;
  /**
   * How long this process has stood still so far, in milliseconds: time that a call could do nothing about, so it does
   * not count. Default: never.
   */
  readonly stalled?: (() => number) | undefined;
  /** Bytes of the value of a write; the least is 12. Default 24. */
  readonly valueBytes?: (() => number) | undefined;
}

/** How a call ended. Calls of a recorded client never reject. */
export interface CallEnd {
  readonly error?: unknown;
}

/** A bucket that enters every call into a history, and gives each write a value of its own. */
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

  /** The longest that a call took beyond its deadline, in milliseconds; negative where all were faster. */
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

  /** The caller's values are overwritten as soon as the call has returned its promise, as it may (rule S2). */
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
        seen(key, sightOf(value));
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
          seen(key, sightOf(pair?.[1]));
          // What the caller got is the caller's to change (rule S2).
          pair?.[1].fill(0xdd);
        }
      },
    );
  }

  /** Lists the whole bucket; of `keys`, those listed were there at some time, and the others missing at some time. */
  list(keys: readonly string[], options?: CallOptions): Promise<CallEnd> {
    const listing = async (): Promise<Set<string>> => {
      const listed = new Set<string>();
      for await (const key of this.#bucket.keys(options)) listed.add(key);
      return listed;
    };
    // The deadline holds for each page, not for the whole.
    return this.#read({ timeout: Number.POSITIVE_INFINITY }, listing, (listed, seen) => {
      for (const key of keys) seen(key, listed.has(key) ? "present" : "missing");
      for (const key of listed)
        if (!keys.includes(key)) this.#misplaced("a key that nobody wrote was listed");
    });
  }

  #begin(
    keys: readonly string[],
    kind: "set" | "delete",
  ): { records: readonly WriteRecord[]; entries: readonly Entry[] } {
    const start = this.#history.tick();
    // Of a key that comes twice the last value wins (rule S5): the others are values that nobody wrote.
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
    const outcomeOf =
      failure === undefined ? () => "applied" as const : this.#outcomes(failure.error, records);
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
    enter: (answer: Answer, seen: (key: string, sight: Sight) => void) => void,
  ): Promise<CallEnd> {
    const began = this.#clock();
    const start = this.#history.tick();
    try {
      const answer = await send();
      const end = this.#history.tick();
      enter(answer, (key, sight) => this.#history.addRead(this.name, this.#nameOf(key), start, end, sight));
      return {};
    } catch (error) {
      if (!StoreError.is(error)) this.#malformed("a read rejected with something that is no StoreError");
      return { error };
    } finally {
      this.#checkTime(began, options);
    }
  }

  #outcomes(error: unknown, records: readonly WriteRecord[]): (place: number) => Outcome {
    if (!BatchError.is(error)) {
      this.#malformed("a write rejected with something that is no BatchError");
      return () => "unknown";
    }
    const { counts } = error;
    if (counts.applied + counts["not-applied"] + counts.unknown !== records.length) {
      this.#malformed("the counts of a BatchError do not add up to its entries");
    }
    const failed = [...error.failures()];
    if (failed.length === 0) this.#malformed("a BatchError without a failure");
    if (failed.some(({ index, outcome }) => error.outcomeOf(index) !== outcome)) {
      this.#malformed("failures() and outcomeOf() of a BatchError differ");
    }
    return (place) => error.outcomeOf(place);
  }

  /** Milliseconds that this process has really run. */
  #clock(): number {
    return performance.now() - this.#stalled();
  }

  #checkTime(began: number, options: CallOptions | undefined): void {
    const overrun = this.#clock() - began - (options?.timeout ?? 10_000);
    this.#worstOverrun = Math.max(this.#worstOverrun, overrun);
    if (overrun > this.#tolerance) {
      const text = `${this.name}: a call took ${Math.round(overrun)} ms longer than its deadline`;
      this.#history.misbehaved("settled-late", this.name, text);
    }
  }

  #malformed(text: string): void {
    this.#history.misbehaved("malformed-error", this.name, `${this.name}: ${text}`);
  }

  #misplaced(text: string): void {
    this.#history.misbehaved("misplaced-answer", this.name, `${this.name}: ${text}`);
  }

  /** No bucket's name holds a slash, so that no two keys of a history are mistaken for each other. */
  #nameOf(key: string): string {
    return `${this.#bucket.name}/${key}`;
  }
}

function sightOf(value: Uint8Array | undefined): Sight {
  return value === undefined ? "missing" : identify(value);
}
