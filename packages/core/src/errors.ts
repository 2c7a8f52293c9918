/** The error variant of `wasi:keyvalue/store`. */
export type StoreErrorTag = "no-such-store" | "access-denied" | "other";

/**
 * What went wrong. Stable: programs act on the code, never on the message.
 *
 * | code | meaning | retryable |
 * | --- | --- | --- |
 * | `invalid-argument` | a key, value, option or URL that no backend accepts | no |
 * | `too-large` | a key or value over `limits` | no |
 * | `throttled` | the backend had no capacity, even after retries | yes |
 * | `timeout` | the call's deadline passed | yes |
 * | `aborted` | the caller's signal fired | no |
 * | `connection-lost` | the connection broke during a request | yes |
 * | `unavailable` | the backend cannot be reached or does not serve requests now | yes |
 * | `closed` | the store was closed | no |
 * | `no-such-store` | the bucket, table or database does not exist | no |
 * | `access-denied` | wrong credentials or missing permission | no |
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
  | "internal";

const retryableCodes: ReadonlySet<StoreErrorCode> = new Set([
  "throttled",
  "timeout",
  "connection-lost",
  "unavailable",
]);

const brand: unique symbol = Symbol.for("@manykv/core/StoreError");

/** What every call rejects with. */
export class StoreError extends Error {
  override readonly name: string = "StoreError";
  /** The variant of `wasi:keyvalue/store.error`. */
  readonly tag: StoreErrorTag;
  readonly code: StoreErrorCode;
  /** The engine's own code, such as `42P01`, `NOPERM` or `ECONNREFUSED`, if it reported one. */
  readonly reason?: string;
  /** Whether the same call may succeed later. For a batch: whether every failed entry may. */
  readonly retryable: boolean;

  constructor(
    code: StoreErrorCode,
    message: string,
    options: { readonly retryable?: boolean | undefined; readonly reason?: string | undefined } = {},
  ) {
    super(message);
    this.tag = code === "no-such-store" || code === "access-denied" ? code : "other";
    this.code = code;
    if (options.reason !== undefined) this.reason = options.reason;
    this.retryable = options.retryable ?? retryableCodes.has(code);
    Object.defineProperty(this, brand, { value: true });
  }

  /** Returns whether `error` is a `StoreError`, including one from another copy of this package. */
  static is(error: unknown): error is StoreError {
    return typeof error === "object" && error !== null && brand in error;
  }

  toJSON(): Record<string, unknown> {
    const { name, tag, code, reason, retryable, message } = this;
    return { name, tag, code, ...(reason !== undefined && { reason }), retryable, message };
  }
}

/** What the reader of a message can do. */
const advice: { readonly [Code in StoreErrorCode]: string } = {
  "invalid-argument": "Correct the call.",
  "too-large": "Store less under one key, or split the value.",
  throttled: "The backend has no capacity left: try again later, or raise its capacity.",
  timeout: "The deadline passed: try again, raise `timeout`, or send less at once.",
  aborted: "The caller's signal fired.",
  "connection-lost": "The connection broke: try again.",
  unavailable: "The backend does not serve requests: check that it runs and can be reached, then try again.",
  closed: "The store was closed: open another.",
  "no-such-store": "Check the names of bucket, table and database. `provision()` creates a missing table.",
  "access-denied": "Check the credentials and permissions.",
  internal: "The backend failed in a way that the driver does not recognize.",
};

/** `throttled (OOM). The backend has ...` */
export function explain(fault: {
  readonly code: StoreErrorCode;
  readonly reason?: string | undefined;
}): string {
  const reason = fault.reason === undefined ? fault.code : `${fault.code} (${fault.reason})`;
  return `${reason}. ${advice[fault.code]}`;
}
