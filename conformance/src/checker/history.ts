import type { Outcome } from "@manykv/core";

/** What a read saw under a key. `present`: there is a value, which one was not asked. */
export type Sight = number | "missing" | "present" | "torn";

/** One write of one key, of a single or a batch. */
export interface WriteRecord {
  readonly client: string;
  readonly key: string;
  readonly kind: "set" | "delete";
  /** Number of the write, which its unique value carries. */
  readonly write: number;
  /** When the call began, on the history's own clock. */
  readonly start: number;
  /** When the call settled; `Infinity` while it has not. */
  end: number;
  /** What the call said of this key. A call that has not settled counts as `unknown`. */
  outcome: Outcome;
  /** Whether the call resolved, so that the write was acknowledged as a whole. */
  resolved: boolean;
  /**
   * Whether it may take effect, or take effect again, after its call settled. False where every lost request is
   * settled before the call ends; true for an engine that cannot do that, and for a call that was cancelled.
   */
  late: boolean;
}

/** What one call saw of one key. */
export interface ReadRecord {
  readonly client: string;
  readonly key: string;
  readonly start: number;
  readonly end: number;
  readonly saw: Sight;
}

/** A call that settled wrongly by itself, whatever is in the store. */
export interface Misbehaviour {
  readonly kind: "unsettled" | "settled-late" | "malformed-error" | "misplaced-answer";
  readonly client: string;
  readonly text: string;
}

/**
 * What clients did and saw, key by key. Its clock counts events, so that two events are never at the same time and
 * what ended before something else began is known to come before it. All clients must be in one process.
 */
export class History {
  readonly writes: WriteRecord[] = [];
  readonly reads: ReadRecord[] = [];
  readonly misbehaviours: Misbehaviour[] = [];
  #now = 0;
  #writes = 0;

  /** The next moment. */
  tick(): number {
    return ++this.#now;
  }

  /** A write that is about to be sent. */
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

  addRead(client: string, key: string, start: number, end: number, saw: Sight): void {
    this.reads.push({ client, key, start, end, saw });
  }

  misbehaved(kind: Misbehaviour["kind"], client: string, text: string): void {
    this.misbehaviours.push({ kind, client, text });
  }
}
