/** The variants of the type `error` in `wasi:keyvalue/store`. */
export type StoreErrorTag = "no-such-store" | "access-denied" | "other";

/**
 * The kind of a failure. Programs should check the code and never the message, because only codes are stable.
 *
 * | code | meaning | default of `retryable` |
 * | --- | --- | --- |
 * | `invalid-argument` | an invalid key, value, option, cursor or URL | no |
 * | `too-large` | a key or value over `limits` | no |
 * | `throttled` | the backend had no capacity, even after retries | yes |
 * | `timeout` | the call's deadline passed | yes |
 * | `aborted` | the caller's signal was aborted | no |
 * | `connection-lost` | the connection broke during a request | yes |
 * | `unavailable` | the backend cannot be reached or does not serve requests now | yes |
 * | `closed` | the store was closed, or the caller closed the Postgres `pool` or `pglite` | no |
 * | `no-such-store` | the bucket name is not allowed, or a table or database does not exist | no |
 * | `access-denied` | wrong credentials or missing permission | no |
 * | `precondition-failed` | with `ifAbsent`, the key exists; or the result of an increment does not fit in 64 bits | no |
 * | `wrong-type` | an increment finds no integer, a typed bucket cannot decode a value, or another program stored data of another type | no |
 * | `unsupported` | the backend, server or table lacks an ability that the call needs | no |
 * | `internal` | an error that the driver does not recognize | no |
 */
export type StoreErrorCode =
  | "invalid-argument"
  | "too-large"
  | "throttled"
  | "timeout"
  | "aborted"
  | "connection-lost"
  | "unavailable"
  | "closed"
  | "no-such-store"
  | "access-denied"
  | "precondition-failed"
  | "wrong-type"
  | "unsupported"
  | "internal";

const retryableCodes: readonly string[] = ["throttled", "timeout", "connection-lost", "unavailable"];

const brand: unique symbol = Symbol.for("@manykv/core/StoreError");

/**
 * Sets the name of an error and a brand by which other copies of this package recognize it. Defines both as properties,
 * because an assignment throws an error in a program that froze the built-in prototypes.
 */
export function brandError(error: Error, name: string, ownBrand: symbol): void {
  Object.defineProperties(error, { name: { value: name, configurable: true }, [ownBrand]: { value: true } });
}

export function hasBrand(error: unknown, ownBrand: symbol): boolean {
  return typeof error === "object" && error !== null && ownBrand in error;
}

/** Options of the {@link StoreError} constructor. The default of `retryable` depends on the code. */
export interface StoreErrorOptions {
  readonly retryable?: boolean | undefined;
  readonly reason?: string | undefined;
}

/** The error that manykv throws for invalid options of a store, and that a failed call rejects with. */
export class StoreError extends Error {
  /** The variant of the type `error` in `wasi:keyvalue/store` that matches the code. */
  readonly tag: StoreErrorTag;
  readonly code: StoreErrorCode;
  /** The error code of the engine or Node.js (`42P01`, `NOPERM`, `ECONNREFUSED`), or a short text from the driver. */
  readonly reason?: string;
  /** Whether the same call may succeed later. For a batch: whether this is true for every failed entry. */
  readonly retryable: boolean;

  constructor(code: StoreErrorCode, message: string, options: StoreErrorOptions = {}) {
    super(message);
    this.tag = code === "no-such-store" || code === "access-denied" ? code : "other";
    this.code = code;
    if (options.reason !== undefined) this.reason = options.reason;
    this.retryable = options.retryable ?? retryableCodes.includes(code);
    brandError(this, "StoreError", brand);
  }

  /** Returns whether `error` is a `StoreError`, including one from another copy of this package. */
  static is(error: unknown): error is StoreError {
    return hasBrand(error, brand);
  }

  toJSON(): Record<string, unknown> {
    const { name, tag, code, reason, retryable, message } = this;
    return { name, tag, code, ...(reason !== undefined && { reason }), retryable, message };
  }
}

/**
 * `applied`: the backend acknowledged the entry. `not-applied`: the entry was not written and never will be. `unknown`:
 * the response was lost, so the entry may have been written or, if it is `unsettled`, may be written later.
 */
export type Outcome = "applied" | "not-applied" | "unknown";

/** One entry whose outcome is `not-applied` or `unknown`. */
export interface Failure {
  /** Index of the entry in the caller's input. */
  readonly index: number;
  readonly outcome: "not-applied" | "unknown";
  readonly code: StoreErrorCode;
  /** The error code of the engine or Node.js, or a short text from the driver. */
  readonly reason?: string;
  /**
   * True if a request whose response was lost may still take effect and overwrite a newer value of the key. Absent for
   * `not-applied`, and for `unknown` if manykv made sure that no lost request can take effect any more.
   */
  readonly unsettled?: true;
}

export interface OutcomeCounts {
  readonly applied: number;
  readonly "not-applied": number;
  readonly unknown: number;
}

/** The outcome of each entry of a batch, by index in the caller's input. */
export interface OutcomeTable {
  readonly size: number;
  readonly counts: OutcomeCounts;
  outcomeOf(index: number): Outcome;
  causeOf(index: number): { readonly code: StoreErrorCode; readonly reason?: string | undefined };
  /** Whether a lost request of the entry may still take effect. Default: false. */
  isUnsettled?(index: number): boolean;
}

const batchBrand: unique symbol = Symbol.for("@manykv/core/BatchError");

/**
 * The error that a failed write rejects with. `code` and `reason` are those of the first failed entry. `retryable` is
 * true if every failed entry is retryable.
 */
export class BatchError extends StoreError {
  readonly counts: OutcomeCounts;
  readonly #outcomes: OutcomeTable;

  constructor(code: StoreErrorCode, message: string, outcomes: OutcomeTable, options?: StoreErrorOptions) {
    super(code, message, options);
    this.#outcomes = outcomes;
    this.counts = outcomes.counts;
    brandError(this, "BatchError", batchBrand);
  }

  /** Returns whether `error` is a `BatchError`, including one from another copy of this package. */
  static override is(error: unknown): error is BatchError {
    return hasBrand(error, batchBrand);
  }

  /**
   * Returns the outcome of the entry at `index` in the caller's input. Entries with the same key share one outcome.
   *
   * @throws {RangeError} if the input has no entry at `index`.
   */
  outcomeOf(index: number): Outcome {
    if (!Number.isInteger(index) || index < 0 || index >= this.#outcomes.size) {
      throw new RangeError(`outcomeOf: no entry has the index ${index} (number of entries: ${this.#outcomes.size})`);
    }
    return this.#outcomes.outcomeOf(index);
  }

  /** Yields the entries whose outcome is `not-applied` or `unknown`, in the order of the input. */
  *failures(): Generator<Failure, void, undefined> {
    for (let index = 0; index < this.#outcomes.size; index++) {
      const outcome = this.#outcomes.outcomeOf(index);
      if (outcome === "applied") continue;
      const { code, reason } = this.#outcomes.causeOf(index);
      const unsettled = this.#outcomes.isUnsettled?.(index) === true;
      yield { index, outcome, code, ...(reason !== undefined && { reason }), ...(unsettled && { unsettled }) };
    }
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), counts: this.counts };
  }
}

/** The end of an error message: what happened, what to do, or both. */
const advice: { readonly [Code in StoreErrorCode]: string } = {
  "invalid-argument": "Correct the arguments.",
  "too-large": "Split the value, or shorten the key.",
  throttled: "Try again later, or raise the capacity of the backend.",
  timeout: "Try again, raise `timeout`, or use smaller batches.",
  aborted: "The signal of the call was aborted.",
  "connection-lost": "Try again.",
  unavailable: "Check that the backend runs and can be reached, then try again.",
  closed: "Create a new store with an open client.",
  "no-such-store": "Check the names of the bucket, table and database. `provision()` creates a table.",
  "access-denied": "Check the credentials and permissions.",
  "precondition-failed": "Read the key and decide what to do.",
  "wrong-type": "Delete the key, or use another one.",
  unsupported: "Use a backend with this ability.",
  internal: "Check the logs of the backend, or report this unexpected failure.",
};

/** Returns whether `code` is one of the documented codes. */
export function isErrorCode(code: unknown): code is StoreErrorCode {
  return typeof code === "string" && Object.hasOwn(advice, code);
}

/**
 * Describes a fault for a message, such as `throttled (OOM). Try again later, ...`. Omits the general advice after a
 * reason with a colon, such as `cluster node: use redis+cluster://`, because this reason itself says what to do.
 */
export function explain({
  code,
  reason,
}: {
  readonly code: StoreErrorCode;
  readonly reason?: string | undefined;
}): string {
  if (reason === undefined) return `${code}. ${advice[code]}`;
  return reason.includes(": ") ? `${code} (${reason})` : `${code} (${reason}). ${advice[code]}`;
}
