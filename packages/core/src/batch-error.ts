import { StoreError, type StoreErrorCode } from "./store-error.js";

/**
 * What became of one entry of a write. `applied`: the engine acknowledged it. `not-applied`: it is not there and never
 * will be. `unknown`: its answer was lost, so it may be there, or may yet come.
 */
export type Outcome = "applied" | "not-applied" | "unknown";

/** One entry that was not applied, or may not have been. */
export interface Failure {
  /** Index into the caller's input. */
  readonly index: number;
  readonly outcome: "not-applied" | "unknown";
  readonly code: StoreErrorCode;
}

/** How many entries ended how. */
export interface OutcomeCounts {
  readonly applied: number;
  readonly "not-applied": number;
  readonly unknown: number;
}

/** The outcomes of a batch by index, as the accounting of a call keeps them. */
export interface OutcomeTable {
  readonly size: number;
  outcomeOf(index: number): Outcome;
  /** The code of an entry that is not `applied`. */
  codeOf(index: number): StoreErrorCode;
}

export function countOutcomes(outcomes: OutcomeTable): OutcomeCounts {
  const counts = { applied: 0, "not-applied": 0, unknown: 0 };
  for (let index = 0; index < outcomes.size; index++) counts[outcomes.outcomeOf(index)]++;
  return Object.freeze(counts);
}

const brand: unique symbol = Symbol.for("@manykv/core/BatchError");

/**
 * What writes reject with: the first failure's code, and the outcome of every entry. It is `retryable` where each of its
 * failures is: what the engine refused for good fails again with the others.
 */
export class BatchError extends StoreError {
  override readonly name: string = "BatchError";
  readonly counts: OutcomeCounts;
  readonly #outcomes: OutcomeTable;

  constructor(
    code: StoreErrorCode,
    message: string,
    outcomes: OutcomeTable,
    options?: { retryable?: boolean },
  ) {
    super(code, message, options);
    this.#outcomes = outcomes;
    this.counts = countOutcomes(outcomes);
    Object.defineProperty(this, brand, { value: true });
  }

  /** Whether `error` is a `BatchError`, also one of another copy of this package. */
  static override is(error: unknown): error is BatchError {
    return StoreError.is(error) && brand in error;
  }

  /**
   * The outcome of the entry at `index` of the caller's input. The places of a duplicate key share theirs.
   *
   * @throws {RangeError} where the input has no such index.
   */
  outcomeOf(index: number): Outcome {
    if (!Number.isInteger(index) || index < 0 || index >= this.#outcomes.size) {
      throw new RangeError(`outcomeOf: the batch has ${this.#outcomes.size} entries, so no index ${index}`);
    }
    return this.#outcomes.outcomeOf(index);
  }

  /** The entries that were not applied or may not have been, by ascending index. */
  *failures(): Generator<Failure, void, undefined> {
    for (let index = 0; index < this.#outcomes.size; index++) {
      const outcome = this.#outcomes.outcomeOf(index);
      if (outcome !== "applied") yield { index, outcome, code: this.#outcomes.codeOf(index) };
    }
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), counts: this.counts };
  }
}
