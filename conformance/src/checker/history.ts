import type { Outcome } from "@manykv/core";
import type { Anomaly, AnomalyKind } from "./anomaly.js";

/** What a read saw under a key: the number of a write, or `present` for a value that was not read. */
export type Observation = number | "missing" | "present" | "torn";

/** One write of one key, alone or in a batch. */
export interface WriteRecord {
  readonly client: string;
  readonly key: string;
  readonly kind: "set" | "delete";
  /** Number of the write. Its value contains it. */
  readonly write: number;
  /** When the call began, on the history's clock. */
  readonly start: number;
  /** When the call settled. `Infinity` until then. */
  end: number;
  /** What the call reported for this key. `unknown` until it settles. */
  outcome: Outcome;
  /** Whether the call resolved. */
  resolved: boolean;
  /**
   * Whether the write may take effect, or take effect again, after its call settled. True for a call that was cancelled
   * and for an engine that cannot settle lost requests.
   */
  late: boolean;
}

/** What one call saw of one key. */
export interface ReadRecord {
  readonly client: string;
  readonly key: string;
  readonly start: number;
  readonly end: number;
  readonly saw: Observation;
}

/**
 * What clients did and saw, key by key. Its clock counts events, so no two events happen at the same time, and whatever
 * ended before something else began came before it. All clients must run in one process.
 */
export class History {
  readonly writes: WriteRecord[] = [];
  readonly reads: ReadRecord[] = [];
  /** Calls that went wrong by themselves, whatever the store holds. */
  readonly anomalies: Anomaly[] = [];
  #now = 0;
  #writes = 0;

  /** Returns the next moment. */
  tick(): number {
    return ++this.#now;
  }

  /** Records a write that is about to be sent. */
  beginWrite(client: string, key: string, kind: "set" | "delete", start: number = this.tick()): WriteRecord {
    const record: WriteRecord = {
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

  addRead(client: string, key: string, start: number, end: number, saw: Observation): void {
    this.reads.push({ client, key, start, end, saw });
  }

  addAnomaly(kind: AnomalyKind, text: string): void {
    this.anomalies.push({ kind, text });
  }
}
