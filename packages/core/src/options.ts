import type { Driver, RequestLimits } from "./driver.js";
import { StoreError } from "./errors.js";
import { type CallOptions, type Limits, maxKeyBytes } from "./store.js";

/** Options that the stores of all backends accept. */
export interface StoreOptions {
  /** Lowers the maximum sizes of keys and values. A higher limit is rejected. Default: the backend's limits. */
  readonly limits?: Partial<Limits> | undefined;
  /** Names of the buckets that can be opened. `open` rejects others with `no-such-store`. Default: all valid names. */
  readonly buckets?: Iterable<string> | undefined;
  /** The timeout of calls without a `timeout` option, in milliseconds. `Infinity` is allowed. Default 10,000. */
  readonly timeout?: number | undefined;
  /** Lowers the maximum number of keys and bytes in one request to the backend. Default: the backend's limits. */
  readonly requestLimits?: Partial<RequestLimits> | undefined;
  /** Maximum number of requests that one call has in flight, at least 1. The default depends on the backend. */
  readonly concurrency?: number | undefined;
  /** Maximum number of requests that the whole store has in flight, at least 1. Others wait. Default: no limit. */
  readonly storeConcurrency?: number | undefined;
  /** How calls retry temporary failures, such as throttling or a lost connection. */
  readonly retry?: RetryOptions | undefined;
}

export interface RetryOptions {
  /** A request fails after this many consecutive attempts in which no key succeeded. At least 1. Default 10. */
  readonly attempts?: number | undefined;
  /** After n attempts without progress, the wait is random, up to `baseDelay * 2 ** n` milliseconds. Default 50. */
  readonly baseDelay?: number | undefined;
  /** Maximum wait before a retry, in milliseconds. Default 2,000. */
  readonly maxDelay?: number | undefined;
}

export interface ResolvedOptions {
  readonly limits: Limits;
  readonly get: RequestLimits;
  readonly set: RequestLimits;
  readonly delete: RequestLimits;
  readonly buckets: ReadonlySet<string> | undefined;
  readonly timeout: number;
  readonly concurrency: number;
  readonly storeConcurrency: number;
  readonly retry: { readonly [Option in keyof RetryOptions]-?: number };
}

const limitNames = ["maxKeyBytes", "maxValueBytes"];
const requestLimitNames = ["maxKeys", "maxBytes"];
const retryNames = ["attempts", "baseDelay", "maxDelay"];
const storeOptionNames = ["limits", "buckets", "timeout", "requestLimits", "concurrency", "storeConcurrency", "retry"];
const callOptionNames = ["signal", "timeout"];

/** Validates options and adds defaults. Throws `invalid-argument` with the name of an unknown or invalid option. */
export function resolveOptions(driver: Driver, options: StoreOptions): ResolvedOptions {
  checkOptions(options, storeOptionNames);
  const { limits = {}, requestLimits = {}, retry = {}, buckets, timeout = 10_000 } = options;
  checkOptions(limits, limitNames, "`limits`");
  checkOptions(requestLimits, requestLimitNames, "`requestLimits`");
  checkOptions(retry, retryNames, "`retry`");
  const lowered = (backend: RequestLimits): RequestLimits => ({
    maxKeys: Math.min(inRange("requestLimits.maxKeys", requestLimits.maxKeys, 1, Infinity), backend.maxKeys),
    maxBytes: Math.min(inRange("requestLimits.maxBytes", requestLimits.maxBytes, 1, Infinity), backend.maxBytes),
  });
  const { maxValueBytes } = driver.limits;
  return {
    limits: Object.freeze({
      maxKeyBytes: inRange("limits.maxKeyBytes", limits.maxKeyBytes, 0, maxKeyBytes, maxKeyBytes),
      maxValueBytes: inRange("limits.maxValueBytes", limits.maxValueBytes, 0, maxValueBytes, maxValueBytes),
    }),
    get: lowered(driver.limits.get),
    set: lowered(driver.limits.set),
    delete: lowered(driver.limits.delete),
    buckets: buckets === undefined ? undefined : checkBuckets(buckets),
    timeout: checkTimeout(timeout),
    concurrency: inRange("concurrency", options.concurrency, 1, driver.limits.concurrency),
    storeConcurrency: Math.floor(inRange("storeConcurrency", options.storeConcurrency, 1, Infinity)),
    retry: {
      attempts: inRange("retry.attempts", retry.attempts, 1, 10),
      baseDelay: inRange("retry.baseDelay", retry.baseDelay, 0, 50),
      maxDelay: inRange("retry.maxDelay", retry.maxDelay, 0, 2_000),
    },
  };
}

/**
 * Checks that `options` is an object that contains only options whose names are in `known`.
 *
 * @param subject - what to call the object in error messages
 * @throws {StoreError} `invalid-argument`. The message lists the known options.
 */
export function checkOptions(options: unknown, known: readonly string[], subject = "the options"): void {
  if (typeof options !== "object" || options === null) {
    throw new StoreError("invalid-argument", `${subject} must be an object: pass { ${known.join(", ")} }`);
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    throw new StoreError("invalid-argument", `unknown option \`${name}\` in ${subject}: use ${known.join(", ")}`);
  }
}

/** Validates the options of a call. Throws `invalid-argument` with the name of an unknown or invalid option. */
export function checkCallOptions(options: CallOptions, known: readonly string[] = callOptionNames): void {
  checkOptions(options, known);
  const { signal, timeout } = options;
  if (signal !== undefined && typeof signal?.addEventListener !== "function") {
    throw new StoreError("invalid-argument", "`signal` must be an AbortSignal");
  }
  if (timeout !== undefined) checkTimeout(timeout);
}

function checkTimeout(timeout: unknown): number {
  if (typeof timeout === "number" && timeout >= 0) return timeout;
  throw new StoreError("invalid-argument", "`timeout` must be a number of milliseconds from 0 to Infinity");
}

const bucketName = /^[A-Za-z0-9_.-]{1,64}$/;

/** Returns `name` if it is a valid bucket name (S13 in `docs/semantics.md`). Otherwise throws an error with `code`. */
export function checkBucketName(name: unknown, code: "no-such-store" | "invalid-argument"): string {
  if (typeof name === "string" && bucketName.test(name)) return name;
  throw new StoreError(code, "a bucket name must match [A-Za-z0-9_.-]{1,64}");
}

function checkBuckets(buckets: Iterable<string>): ReadonlySet<string> {
  if (typeof buckets === "string" || typeof buckets?.[Symbol.iterator] !== "function")
    throw new StoreError("invalid-argument", "`buckets` must be an iterable of bucket names");
  return new Set(Array.from(buckets, (name) => checkBucketName(name, "invalid-argument")));
}

/** Returns `value`, or `fallback` if it is undefined. Throws unless `value` is a number from `least` to `most`. */
function inRange(name: string, value: unknown, least: number, fallback: number, most = Infinity): number {
  if (value === undefined) return fallback;
  if (typeof value === "number" && value >= least && value <= most) return value;
  const range = most === Infinity ? `that is at least ${least}` : `from ${least} to ${most}, the backend's limit`;
  throw new StoreError("invalid-argument", `\`${name}\` must be a number ${range}`);
}
