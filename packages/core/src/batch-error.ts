import { StoreError, type StoreErrorCode } from "./errors.js";

/**
 * What became of one entry of a write. `applied`: the backend acknowledged it. `not-applied`: it was not written and
 * never will be. `unknown`: the response was lost, so it may have been written or may still be.
 */
export type Outcome = "applied" | "not-applied" | "unknown";

/** One entry that was not applied, or may not have been. */
export interface Failure {
  /** Index into the caller's input. */
  readonly index: number;
  readonly outcome: "not-applied" | "unknown";
  readonly code: StoreErrorCode;
  /** The engine's own code, if it reported one. */
  readonly reason?: string;
}

/** How many entries had each outcome. */
export interface OutcomeCounts {
  readonly applied: number;
  readonly "not-applied": number;
  readonly unknown: number;
}

/** The outcome of each entry of a batch, by index into the caller's input. */
export interface OutcomeTable {
  readonly size: number;
  readonly counts: OutcomeCounts;
  outcomeOf(index: number): Outcome;
  /** Why an entry is not `applied`. */
  causeOf(index: number): { readonly code: StoreErrorCode; readonly reason?: string | undefined };
}

const brand: unique symbol = Symbol.for("@manykv/core/BatchError");

/**
 * What writes reject with: the code of the first failure and the outcome of every entry. It is `retryable` if every
 * failure is.
 */
export class BatchError extends StoreError {
  override readonly name: string = "BatchError";
  readonly counts: OutcomeCounts;
  readonly #outcomes: OutcomeTable;

  constructor(
    code: StoreErrorCode,
    message: string,
    outcomes: OutcomeTable,
    options?: { readonly retryable?: boolean | undefined; readonly reason?: string | undefined },
  ) {
    super(code, message, options);
    this.#outcomes = outcomes;
    this.counts = outcomes.counts;
    Object.defineProperty(this, brand, { value: true });
  }

  /** Returns whether `error` is a `BatchError`, including one from another copy of this package. */
  static override is(error: unknown): error is BatchError {
    return StoreError.is(error) && brand in error;
  }

  /**
   * Returns the outcome of the entry at `index` of the caller's input. Entries with the same key share one outcome.
   *
   * @throws {RangeError} if the input has no such index.
   */
  outcomeOf(index: number): Outcome {
    if (!Number.isInteger(index) || index < 0 || index >= this.#outcomes.size) {
      throw new RangeError(`outcomeOf: the batch has ${this.#outcomes.size} entries, so no index ${index}`);
    }
    return this.#outcomes.outcomeOf(index);
  }

  /** Yields the entries that were not applied, or may not have been, by ascending index. */
  *failures(): Generator<Failure, void, undefined> {
    for (let index = 0; index < this.#outcomes.size; index++) {
      const outcome = this.#outcomes.outcomeOf(index);
      if (outcome === "applied") continue;
      const { code, reason } = this.#outcomes.causeOf(index);
      yield reason === undefined ? { index, outcome, code } : { index, outcome, code, reason };
    }
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), counts: this.counts };
  }
}
