import type { Driver } from "./driver.js";
import type { Limits } from "./limits.js";
import type { Store } from "./store.js";

/** Options that every store takes, whatever its backend. */
export interface StoreOptions {
  /** Lowers the backend's limits; a limit above the backend's is refused. Default: the backend's own. */
  readonly limits?: Partial<Limits> | undefined;
  /** The buckets that the store serves; opening another is `no-such-store`. Default: every well-named bucket. */
  readonly buckets?: readonly string[] | undefined;
  /** Default `timeout` of a call, in milliseconds. Default 10,000. */
  readonly timeout?: number | undefined;
  /** Lowers how much goes into one request to the engine. Default: the backend's own limits. */
  readonly request?: { readonly maxKeys?: number | undefined; readonly maxBytes?: number | undefined } | undefined;
  /** Requests of one call that may be in flight together. Default: the backend's own. */
  readonly concurrency?: number | undefined;
  /** How failures that may pass are retried. */
  readonly retry?: RetryOptions | undefined;
}

export interface RetryOptions {
  /** Attempts in a row without progress before a call gives up. Default 10. */
  readonly attempts?: number | undefined;
  /** Upper bound of the first wait, in milliseconds; it doubles with every attempt without progress. Default 50. */
  readonly baseDelay?: number | undefined;
  /** Upper bound of any wait, in milliseconds. Default 2,000. */
  readonly maxDelay?: number | undefined;
}

export function createStore(_driver: Driver, _options: StoreOptions = {}): Store {
  throw new Error("not yet");
}
