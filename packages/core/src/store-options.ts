import { checkBucketName } from "./bucket-name.js";
import type { Driver, DriverLimits, RequestLimits } from "./driver.js";
import { checkTimeout } from "./execution/call.js";
import { defaultRetry, type RetryOptions, type RetryPolicy } from "./execution/retry-policy.js";
import type { Limits } from "./limits.js";
import { StoreError } from "./store-error.js";

/** Options that every store takes, whatever its backend. */
export interface StoreOptions {
  /** Lowers the backend's limits; a limit above the backend's is refused. Default: the backend's own. */
  readonly limits?: Partial<Limits> | undefined;
  /** The buckets that the store serves; opening another is `no-such-store`. Default: every well-named bucket. */
  readonly buckets?: Iterable<string> | undefined;
  /** Default `timeout` of a call, in milliseconds. Default 10,000. */
  readonly timeout?: number | undefined;
  /** Lowers what goes into one request to the engine. Default: the backend's own limits. */
  readonly request?: Partial<RequestLimits> | undefined;
  /** Requests of one call that may be in flight together. Default: the backend's own. */
  readonly concurrency?: number | undefined;
  /** How failures that may pass are retried. */
  readonly retry?: RetryOptions | undefined;
}

/** The options with every default filled in. */
export interface Settings {
  readonly limits: Limits;
  readonly get: RequestLimits;
  readonly set: RequestLimits;
  readonly delete: RequestLimits;
  readonly buckets: ReadonlySet<string> | undefined;
  readonly timeout: number;
  readonly concurrency: number;
  readonly retry: RetryPolicy;
}

const defaultTimeout = 10_000;

/** @throws {StoreError} `invalid-argument`, naming the option that is out of range. */
export function settle(driver: Driver, options: StoreOptions): Settings {
  checkObject("the options are", options, "limits, buckets, timeout, ...");
  const { limits = {}, request = {}, retry = {}, concurrency, buckets, timeout = defaultTimeout } = options;
  checkObject("`limits` is", limits, "maxKeyBytes, maxValueBytes");
  checkObject("`request` is", request, "maxKeys, maxBytes");
  checkObject("`retry` is", retry, "attempts, baseDelay, maxDelay");
  return {
    limits: lowerLimits(driver.limits, limits),
    get: lowerRequest(driver.limits.get, request),
    set: lowerRequest(driver.limits.set, request),
    delete: lowerRequest(driver.limits.delete, request),
    buckets: buckets === undefined ? undefined : checkBuckets(buckets),
    timeout: checkTimeout(timeout),
    concurrency: inRange("concurrency", concurrency, 1) ?? driver.limits.concurrency,
    retry: {
      attempts: inRange("retry.attempts", retry.attempts, 1) ?? defaultRetry.attempts,
      baseDelay: inRange("retry.baseDelay", retry.baseDelay, 0) ?? defaultRetry.baseDelay,
      maxDelay: inRange("retry.maxDelay", retry.maxDelay, 0) ?? defaultRetry.maxDelay,
    },
  };
}

function lowerLimits(backend: DriverLimits, lowered: Partial<Limits>): Limits {
  const { maxKeyBytes, maxValueBytes } = lowered;
  return Object.freeze({
    maxKeyBytes: inRange("limits.maxKeyBytes", maxKeyBytes, 0, backend.maxKeyBytes) ?? backend.maxKeyBytes,
    maxValueBytes:
      inRange("limits.maxValueBytes", maxValueBytes, 0, backend.maxValueBytes) ?? backend.maxValueBytes,
  });
}

function lowerRequest(backend: RequestLimits, lowered: Partial<RequestLimits>): RequestLimits {
  return {
    maxKeys: Math.min(inRange("request.maxKeys", lowered.maxKeys, 1) ?? Infinity, backend.maxKeys),
    maxBytes: Math.min(inRange("request.maxBytes", lowered.maxBytes, 1) ?? Infinity, backend.maxBytes),
  };
}

function checkBuckets(buckets: Iterable<string>): ReadonlySet<string> {
  if (typeof buckets === "string" || typeof buckets?.[Symbol.iterator] !== "function")
    throw new StoreError("invalid-argument", "`buckets` is not a list of names");
  return new Set(Array.from(buckets, (name) => checkBucketName(name, "invalid-argument")));
}

function checkObject(subject: string, value: unknown, fields: string): void {
  if (typeof value === "object" && value !== null) return;
  throw new StoreError("invalid-argument", `${subject} not an object: pass { ${fields} }`);
}

function inRange(name: string, value: unknown, least: number, most = Infinity): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "number" && value >= least && value <= most) return value;
  const bound = most === Infinity ? "" : ` to ${most}, the backend's own`;
  throw new StoreError("invalid-argument", `${name} is out of range: it goes from ${least}${bound}`);
}
