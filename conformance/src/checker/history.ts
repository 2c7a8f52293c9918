import type { Outcome } from "@manykv/core";
import type { Anomaly, AnomalyKind } from "./anomaly.js";

/**
 * What a read saw under a key: the number of the write that wrote the value, the integer that increments stored there,
 * `missing`, `torn` for a damaged value, or `present` if the call only reported that the key exists.
 */
export type Observation = number | bigint | "missing" | "present" | "torn";

/**
 * One write of one key, by a call for this key or as part of a batch. `set` with `ifAbsent` and `compareAndSwap` are
 * writes with an expected state: they read and write the key at the same time.
 */
export interface WriteRecord {
  /** Name of the client that made the call. */
  readonly client: string;
  /** The key, in the form `bucket/key`. */
  readonly key: string;
  readonly kind: WriteKind;
  /** What the key must be directly before the write: `missing`, or a value. Absent if the write has no condition. */
  readonly expected?: Observation | undefined;
  /** Time to live in milliseconds, from the time at which the write takes effect. Absent if the key does not expire. */
  readonly ttl?: number | undefined;
  /** What an increment adds. */
  readonly delta?: bigint | undefined;
  /** What an increment returned. Absent until it returns. */
  result?: bigint | undefined;
  /** Number of the write, from 1. The value of a set contains this number. */
  readonly write: number;
  /** Time at which the call began, on the history's clock. */
  readonly start: number;
  /** Time at which the call settled, on the history's clock. `Infinity` until then. */
  end: number;
  /** The outcome that the call reported for this key. `unknown` until the call settles. */
  outcome: Outcome;
  /** Whether the call resolved. */
  resolved: boolean;
  /**
   * Whether the write may take effect, or take effect again, after its call has settled. `true` for a write of a
   * cancelled call if the outcome is `unknown`. Also `true` for every write if the driver cannot stop lost requests.
   */
  late: boolean;
}

/** What a write does: a swap of a value is a `set` or `delete`. */
export type WriteKind = "set" | "delete" | "increment";

/** The condition of a write, and what it does besides setting or deleting the key. */
export type WriteDetails = Pick<WriteRecord, "expected" | "ttl" | "delta">;

/** What one call saw under one key. */
export interface ReadRecord {
  /** Name of the client that made the call. */
  readonly client: string;
  /** The key, in the form `bucket/key`. */
  readonly key: string;
  /** Time at which the call began, on the history's clock. */
  readonly start: number;
  /** Time at which the call resolved, on the history's clock. */
  readonly end: number;
  readonly saw: Observation;
}

/**
 * Records what clients wrote and read, key by key. The clock of the history counts events, so the start and the end of
 * each call have unique times. All clients must run in one process, because they share the clock.
 */
export class History {
  /** The writes, in the order in which `beginWrite` recorded them. */
  readonly writes: WriteRecord[] = [];
  /** The reads, in the order in which `addRead` recorded them. */
  readonly reads: ReadRecord[] = [];
  /** Anomalies that `addAnomaly` recorded. Each anomaly concerns a whole call, such as a call that settled too late. */
  readonly anomalies: Anomaly[] = [];
  /** The time of each event in milliseconds. `times[n - 1]` belongs to the time `n` on the history's clock. */
  readonly times: number[] = [];
  readonly #milliseconds: () => number;
  #writes = 0;

  /** `milliseconds` returns the current time, for the expiry of keys. Default: `performance.now()`. */
  constructor(milliseconds: () => number = () => performance.now()) {
    this.#milliseconds = milliseconds;
  }

  /** Advances the clock by 1 and returns the new time. */
  tick(): number {
    return this.times.push(this.#milliseconds());
  }

  /**
   * Records a write that is about to be sent. By default, advances the clock and uses the new time as `start`. The
   * caller updates the returned record when the call settles.
   */
  beginWrite(
    client: string,
    key: string,
    kind: WriteKind,
    start: number = this.tick(),
    details: WriteDetails = {},
  ): WriteRecord {
    const record: WriteRecord = {
      ...details,
      client,
      key,
      kind,
      write: ++this.#writes,
      start,
      end: Number.POSITIVE_INFINITY,
      outcome: "unknown",
      resolved: false,
      late: false,
    };
    this.writes.push(record);
    return record;
  }

  /** Records a read of one key after its call has resolved. `start` and `end` are times on the history's clock. */
  addRead(client: string, key: string, start: number, end: number, saw: Observation): void {
    this.reads.push({ client, key, start, end, saw });
  }

  /** Records an anomaly that concerns a whole call. `checkHistory` returns it with the other anomalies. */
  addAnomaly(kind: AnomalyKind, text: string): void {
    this.anomalies.push({ kind, text });
  }
}
