/** The error variant of `wasi:keyvalue/store`. */
export type StoreErrorTag = "no-such-store" | "access-denied" | "other";

/**
 * What went wrong. Stable: act on it, never on the message.
 *
 * | code | meaning | retryable |
 * | --- | --- | --- |
 * | `invalid-argument` | a key, value, option or URL that no backend takes | no |
 * | `too-large` | a key or value over `limits` | no |
 * | `throttled` | the engine had no capacity, also after retries | yes |
 * | `timeout` | the call's time was over | yes |
 * | `aborted` | the caller's signal fired | no |
 * | `connection-lost` | the connection broke while a request was under way | yes |
 * | `unavailable` | the engine could not be reached or does not serve now | yes |
 * | `closed` | the store was closed | no |
 * | `no-such-store` | no such bucket, table or database | no |
 * | `access-denied` | wrong credentials or missing permission | no |
 * | `internal` | an error that the driver does not know | no |
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
  | "internal";

const brand: unique symbol = Symbol.for("@manykv/core/StoreError");

/** What every call rejects with. */
export class StoreError extends Error {
  override readonly name: string = "StoreError";
  /** The variant of `wasi:keyvalue/store.error`. */
  readonly tag: StoreErrorTag;
  readonly code: StoreErrorCode;
  /** Whether the same call may succeed later; of a batch, whether all of its entries may. */
  readonly retryable: boolean;

  constructor(code: StoreErrorCode, message: string, options: { retryable?: boolean } = {}) {
    super(message);
    this.tag = code === "no-such-store" || code === "access-denied" ? code : "other";
    this.code = code;
    this.retryable = options.retryable ?? retryableByCode.has(code);
    Object.defineProperty(this, brand, { value: true });
  }

  /** Whether `error` is a `StoreError`, also one of another copy of this package. */
  static is(error: unknown): error is StoreError {
    return typeof error === "object" && error !== null && brand in error;
  }

  toJSON(): Record<string, unknown> {
    const { name, tag, code, retryable, message } = this;
    return { name, tag, code, retryable, message };
  }
}

const retryableByCode: ReadonlySet<StoreErrorCode> = new Set([
  "throttled",
  "timeout",
  "connection-lost",
  "unavailable",
]);
