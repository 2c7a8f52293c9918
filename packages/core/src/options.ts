import type { Driver, DriverLimits, RequestLimits } from "./driver.js";
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
  /**
   * After n attempts without progress, the wait is random, up to `baseDelay * 2 ** n` milliseconds. If the engine asks
   * for a wait, core adds it, up to 5,000 ms. Default 50.
   */
  readonly baseDelay?: number | undefined;
  /** Maximum of the random wait, in milliseconds. Default 2,000. */
  readonly maxDelay?: number | undefined;
}

export interface ResolvedOptions {
  readonly limits: Limits;
  readonly get: RequestLimits;
  readonly set: RequestLimits;
  readonly setIfAbsent: RequestLimits;
  readonly delete: RequestLimits;
  readonly buckets: ReadonlySet<string> | undefined;
  readonly timeout: number;
  readonly concurrency: number;
  readonly storeConcurrency: number;
  readonly retry: { readonly [Option in keyof RetryOptions]-?: number };
}

/** The names of the options that every store accepts. */
export const storeOptionNames: readonly string[] = [
  "limits",
  "buckets",
  "timeout",
  "requestLimits",
  "concurrency",
  "storeConcurrency",
  "retry",
];
const callOptionNames = ["signal", "timeout"];

const requiredMethods = ["get", "set", "delete", "list", "close", "classify"] as const;

/** Throws `invalid-argument` with the name of what the driver lacks. Its author may not use TypeScript. */
function checkDriver(driver: Driver): void {
  const missing = requiredMethods.find((method) => typeof driver?.[method] !== "function");
  if (missing !== undefined)
    throw invalid(`the driver has no method \`${missing}\`: see Driver of @manykv/core/driver`);
  if (typeof driver.name !== "string" || driver.name === "") throw invalid("the driver has no `name`");
  const { limits = {} } = driver as { limits?: Partial<DriverLimits> };
  numbersOf(limits, { maxValueBytes: [0, Number.NaN], concurrency: [1, Number.NaN] }, "driver.limits.");
  for (const method of ["get", "set", "delete", "setIfAbsent"] as const) {
    const request = limits[method] ?? (method === "setIfAbsent" ? limits.set : undefined) ?? {};
    numbersOf(request, { maxKeys: [1, Number.NaN], maxBytes: [1, Number.NaN] }, `driver.limits.${method}.`);
  }
}

/** Validates options and adds defaults. Throws `invalid-argument` with the name of an unknown or invalid option. */
export function resolveOptions(driver: Driver, options: StoreOptions): ResolvedOptions {
  checkDriver(driver);
  const read = checkOptions(options, storeOptionNames);
  const { buckets, limits = {}, requestLimits = {}, retry = {} } = read;
  const { maxValueBytes, concurrency, ...backend } = driver.limits;
  const request = numbersIn("requestLimits", requestLimits, { maxKeys: [1, Infinity], maxBytes: [1, Infinity] });
  const lowered = ({ maxKeys, maxBytes }: RequestLimits): RequestLimits => ({
    maxKeys: Math.min(request.maxKeys, maxKeys),
    maxBytes: Math.min(request.maxBytes, maxBytes),
  });
  return {
    limits: Object.freeze(
      numbersIn("limits", limits, {
        maxKeyBytes: [0, maxKeyBytes, maxKeyBytes],
        maxValueBytes: [0, maxValueBytes, maxValueBytes],
      }),
    ),
    get: lowered(backend.get),
    set: lowered(backend.set),
    setIfAbsent: lowered(backend.setIfAbsent ?? backend.set),
    delete: lowered(backend.delete),
    buckets: buckets === undefined ? undefined : checkBuckets(buckets),
    retry: numbersIn("retry", retry, { attempts: [1, 10], baseDelay: [0, 50], maxDelay: [0, 2_000] }),
    ...numbersOf(read, { timeout: [0, 10_000], concurrency: [1, concurrency], storeConcurrency: [1, Infinity] }),
  };
}

/**
 * Checks that `options` is an object that contains only options whose names are in `known`. Returns a copy of the
 * options: use it, because a getter may return another value when it is read again.
 *
 * @param subject - what to call the object in error messages
 * @throws {StoreError} `invalid-argument`. The message lists the known options.
 */
export function checkOptions<Options>(
  options: Options,
  known: readonly string[],
  subject: string = "the options",
): Options {
  if (typeof options !== "object" || options === null) {
    throw invalid(`${subject} must be an object: pass { ${known.join(", ")} }`);
  }
  const copy: Record<string, unknown> = {};
  let unknown: string | undefined;
  try {
    unknown = Object.keys(options).find((name) => !known.includes(name));
    for (const name of known) {
      const value = options[name as keyof Options];
      if (value !== undefined) copy[name] = value;
    }
  } catch {
    throw invalid(`reading ${subject} throws an error: pass a plain object`);
  }
  if (unknown === undefined) return copy as Options;
  throw invalid(`unknown option \`${unknown}\` in ${subject}: use ${known.join(", ")}`);
}

/**
 * Validates the options of a call and returns a copy of them. Throws `invalid-argument` with the name of an unknown or
 * invalid option.
 */
export function checkCallOptions<Options extends CallOptions>(
  options: Options,
  known: readonly string[] = callOptionNames,
): Options {
  const checked = checkOptions(options, known);
  const { signal, timeout } = checked;
  if (signal !== undefined && !isSignal(signal)) throw notSignal();
  if (timeout !== undefined) numbersOf({ timeout }, { timeout: [0, 0] });
  return checked;
}

/** Returns whether `value` has what manykv uses of an `AbortSignal`. It may come from another realm or library. */
function isSignal(value: Partial<AbortSignal> | null): boolean {
  try {
    const { addEventListener, removeEventListener, aborted } = value as Partial<AbortSignal>;
    return (
      typeof addEventListener === "function" &&
      typeof removeEventListener === "function" &&
      typeof aborted === "boolean"
    );
  } catch {
    return false;
  }
}

/** Returns whether a signal is aborted. Returns false if the signal throws an error, as a Proxy of a signal does. */
export function isAborted(signal: AbortSignal): boolean {
  try {
    return signal.aborted === true;
  } catch {
    return false;
  }
}

export function notSignal(): StoreError {
  return invalid("`signal` must be an AbortSignal");
}

const abilityNames = {
  ttl: "ttl",
  setIfAbsent: "ifAbsent",
  increment: "increment",
  compareAndSwap: "compareAndSwap",
  listBuckets: "buckets",
} as const;

/** Throws `unsupported` if the driver lacks an ability (S22 in `docs/semantics.md`). */
export function checkAbility(driver: Driver, method: keyof typeof abilityNames): void {
  if (driver[method] !== undefined) return;
  const text = `the ${driver.name} driver does not support \`${abilityNames[method]}\`: use another backend`;
  throw new StoreError("unsupported", text);
}

function invalid(message: string): StoreError {
  return new StoreError("invalid-argument", message);
}

/** Returns `ttl` if it is valid. Otherwise throws `invalid-argument`. */
export function checkTtl(ttl: number | undefined): number | undefined {
  if (ttl === undefined || (Number.isSafeInteger(ttl) && ttl >= 1)) return ttl;
  throw invalid("`ttl` must be an integer number of milliseconds from 1 to 2^53 - 1");
}

const bucketName = /^[A-Za-z0-9_.-]{1,64}$/;

export function isBucketName(name: unknown): name is string {
  return typeof name === "string" && bucketName.test(name);
}

/** Returns `name` if it is a valid bucket name (S13 in `docs/semantics.md`). Otherwise throws an error with `code`. */
export function checkBucketName(name: unknown, code: "no-such-store" | "invalid-argument"): string {
  if (isBucketName(name)) return name;
  throw new StoreError(code, "a bucket name must match [A-Za-z0-9_.-]{1,64}");
}

function checkBuckets(buckets: Iterable<string>): ReadonlySet<string> {
  let names: string[] | undefined;
  try {
    if (typeof buckets !== "string") names = [...buckets];
  } catch {
    // Not an iterable, or its iterator throws an error.
  }
  if (names === undefined) throw invalid("`buckets` must be an iterable of bucket names");
  return new Set(names.map((name) => checkBucketName(name, "invalid-argument")));
}

/** The minimum of an option, its default, and its maximum. */
type Range = readonly [least: number, fallback: number, most?: number];
type Ranges<Name extends string> = Readonly<Record<Name, Range>>;

/** Returns the numbers in the object `options`, an option named `subject` that may contain only these numbers. */
function numbersIn<Name extends string>(subject: string, options: object, ranges: Ranges<Name>): Record<Name, number> {
  return numbersOf(checkOptions(options, Object.keys(ranges), `\`${subject}\``), ranges, `${subject}.`);
}

/** Returns the options that `ranges` names, with their defaults. Throws if an option is not a number in its range. */
function numbersOf<Name extends string>(options: object, ranges: Ranges<Name>, prefix = ""): Record<Name, number> {
  const numbers = Object.entries<Range>(ranges).map(([name, [least, fallback, most = Infinity]]) => {
    const { [name]: value = fallback } = options as Record<string, unknown>;
    if (typeof value === "number" && value >= least && value <= most) return [name, value];
    throw invalid(`\`${prefix}${name}\` must be a number from ${least} to ${most}`);
  });
  return Object.fromEntries(numbers) as Record<Name, number>;
}
