import type { History } from "@manykv/conformance/checker";

/** What the driver reported for one key of one request, or `silent` if the driver has not reported anything. */
export type Verdict = "done" | "unprocessed" | "none" | "unknown" | "silent";

/** What really happened to one key of one write request. */
export interface Attempt {
  readonly key: string;
  /** Number of the call that sent the request. */
  readonly call: number;
  /** Number of the write, which the value contains. 0 for a delete, and -1 if the value is damaged. */
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

/** The state of a key from a point in time: the number of its last write, or 0 if the key is missing. */
interface State {
  readonly from: number;
  readonly write: number;
}

/** Stores the values of the simulated engine, and records every write attempt and every state of each key. */
export class Oracle {
  readonly history: History;
  readonly attempts: Attempt[] = [];
  readonly broken: string[] = [];
  readonly #values: Map<string, Uint8Array> = new Map();
  readonly #states: Map<string, State[]> = new Map();

  constructor(history: History) {
    this.history = history;
  }

  valueOf(key: string): Uint8Array<ArrayBuffer> | undefined {
    return this.#values.get(key)?.slice();
  }

  keys(prefix: string): string[] {
    const own = [...this.#values.keys()].filter((key) => key.startsWith(prefix));
    return own.map((key) => key.slice(prefix.length)).sort();
  }

  /** Applies the write of an attempt, unless the fence of this attempt has completed. */
  land(attempt: Attempt, value: Uint8Array | undefined): void {
    if (attempt.ended) return;
    const from = this.history.tick();
    attempt.landings.push(from);
    if (value === undefined) this.#values.delete(attempt.key);
    else this.#values.set(attempt.key, value.slice());
    this.#statesOf(attempt.key).push({ from, write: attempt.write });
  }

  /** Returns whether `fits` accepts a state that a key had between `start` and `end`. */
  everWas(key: string, start: number, end: number, fits: (write: number) => boolean): boolean {
    const states = this.#statesOf(key);
    return states.some(({ from, write }, index) => {
      const until = states[index + 1]?.from ?? Number.POSITIVE_INFINITY;
      return from < end && until > start && fits(write);
    });
  }

  #statesOf(key: string): State[] {
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    const states: State[] = [{ from: -1, write: 0 }];
    this.#states.set(key, states);
    return states;
  }
}
