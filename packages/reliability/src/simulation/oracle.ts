import type { History, Observation } from "@manykv/conformance/checker";
import type { Fault } from "@manykv/core/driver";

/** What the driver reported for one key of one request, or `silent` if the driver has not reported anything. */
export type Verdict = "done" | "unprocessed" | "none" | "unknown" | "silent";

/** What really happened to one key of one write request. */
export interface Attempt {
  readonly key: string;
  /** Number of the call that sent the request. */
  readonly call: number;
  /** Number of the write, which the value contains. 0 without a value to store, and -1 if the value is damaged. */
  readonly write: number;
  readonly sent: number;
  verdict: Verdict;
  /** Whether the driver responded before the attempt was aborted. Always true if the verdict is `unknown`. */
  inTime: boolean;
  /** Whether the driver returned a fence that works. */
  fenced: boolean;
  /** Whether the fence has completed, so that the write can no longer take effect. */
  ended: boolean;
  /** The times at which the write took effect, on the history's clock. */
  readonly landings: number[];
}

/** A stored value: what a read of it sees, and when it expires, in milliseconds on the clock of `performance.now()`. */
export interface Stored {
  readonly bytes: Uint8Array;
  readonly saw: Exclude<Observation, "missing" | "present">;
  readonly expiresAt: number | undefined;
}

/** What a write does to a key, or why it does nothing. A swap that finds another value does nothing, without a fault. */
export type Change = (current: Stored | undefined) => { readonly next: Stored | undefined } | Refusal;

export interface Refusal {
  readonly fault: Fault | undefined;
}

/** The state of a key from a point in time. */
interface State {
  readonly from: number;
  readonly saw: Stored["saw"] | "missing";
}

/** Stores the values of the simulated engine, and records every write attempt and every state of each key. */
export class Oracle {
  readonly history: History;
  readonly attempts: Attempt[] = [];
  readonly broken: string[] = [];
  readonly #values: Map<string, Stored> = new Map();
  readonly #states: Map<string, State[]> = new Map();

  constructor(history: History) {
    this.history = history;
  }

  /** Returns what a key holds. The caller may change the bytes. */
  stored(key: string): Stored | undefined {
    const found = this.#values.get(key);
    return found && { ...found, bytes: found.bytes.slice() };
  }

  keys(prefix: string): string[] {
    const own = [...this.#values.keys()].filter((key) => key.startsWith(prefix));
    return own.map((key) => key.slice(prefix.length)).sort();
  }

  /** Applies the write of an attempt, unless the fence of this attempt has completed or the change is refused. */
  land(attempt: Attempt, change: Change): Refusal | undefined {
    if (attempt.ended) return undefined;
    const changed = change(this.#values.get(attempt.key));
    if (!("next" in changed)) return changed;
    const { next } = changed;
    attempt.landings.push(this.#enter(attempt.key, next));
    if (next?.expiresAt !== undefined) {
      const expire = (): void => {
        if (this.#values.get(attempt.key) === next) this.#enter(attempt.key, undefined);
      };
      setTimeout(expire, next.expiresAt - performance.now());
    }
    return undefined;
  }

  /** Returns whether `fits` accepts a state that a key had between `start` and `end`. */
  everWas(key: string, start: number, end: number, fits: (saw: State["saw"]) => boolean): boolean {
    const states = this.#statesOf(key);
    return states.some(({ from, saw }, index) => {
      const until = states[index + 1]?.from ?? Number.POSITIVE_INFINITY;
      return from < end && until > start && fits(saw);
    });
  }

  /** Changes the state of a key. Returns the time on the history's clock. */
  #enter(key: string, next: Stored | undefined): number {
    const from = this.history.tick();
    if (next === undefined) this.#values.delete(key);
    else this.#values.set(key, next);
    this.#statesOf(key).push({ from, saw: next?.saw ?? "missing" });
    return from;
  }

  #statesOf(key: string): State[] {
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    const states: State[] = [{ from: -1, saw: "missing" }];
    this.#states.set(key, states);
    return states;
  }
}
