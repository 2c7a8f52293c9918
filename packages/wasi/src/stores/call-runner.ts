import type { Bucket } from "@manykv/core";
import type { Answer, CallName, Calls, Failure, Page } from "./calls.js";
import { HostError, toFailure } from "./failure.js";
import { NumberedCursors } from "./numbered-cursors.js";
import type { StoreTable } from "./store-table.js";

/** What a host learns about a call that failed: the error, and the call without its keys and values. */
export interface FailedCall {
  readonly identifier: string;
  readonly call: CallName;
  readonly error: unknown;
}

export interface CallRunnerOptions {
  readonly timeout: number;
  readonly maxResultBytes: number;
  readonly onError: ((failed: FailedCall) => void) | undefined;
}

/** A page is not returned before it has this many keys, the listing ends or time is up. */
const pageKeys = 100;

/** Maximum time to collect a page, as a part of the time limit of a call. */
const pageTime = 0.25;

type Implementations = {
  readonly [Name in CallName]: (...args: Parameters<Calls[Name]>) => Promise<ReturnType<Calls[Name]>>;
};

/** Runs the calls of components on a table of stores. */
export class CallRunner {
  readonly #table: StoreTable;
  readonly #options: CallRunnerOptions;
  readonly #cursors: NumberedCursors = new NumberedCursors();

  constructor(table: StoreTable, options: CallRunnerOptions) {
    this.#table = table;
    this.#options = options;
  }

  async run<Name extends CallName>(
    identifier: string,
    name: Name,
    args: Parameters<Calls[Name]>,
  ): Promise<Answer<ReturnType<Calls[Name]>>> {
    try {
      const calls = this.#callsOn(await this.#table.bucket(identifier), identifier);
      const value = await calls[name](...args);
      checkSize(value, this.#options);
      return { value };
    } catch (error) {
      return { failure: reportFailure({ identifier, call: name, error }, this.#options) };
    }
  }

  #callsOn(bucket: Bucket, identifier: string): Implementations {
    const options = { timeout: this.#options.timeout };
    return {
      get: (key) => bucket.get(key, options),
      set: async (key, value, setOptions) => void (await bucket.set(key, value, { ...setOptions, ...options })),
      delete: async (key) => void (await bucket.delete(key, options)),
      exists: (key) => bucket.exists(key, options),
      listKeys: (prefix, cursor) => this.#listKeys(bucket, prefix, cursor),
      listKeysByNumber: async (number) => {
        const page = await this.#listKeys(bucket, undefined, this.#cursors.textOf(identifier, number));
        return { keys: page.keys, cursor: this.#cursors.numberOf(identifier, page.cursor) };
      },
      increment: (key, delta) => bucket.increment(key, delta, options),
      incrementUnsigned: async (key, delta) => {
        const sum = await bucket.increment(key, checkUnsignedDelta(delta), options);
        return checkUnsignedSum(sum);
      },
      compareAndSwap: (key, expected, value) => bucket.compareAndSwap(key, { expected, value }, options),
      getMany: async (keys) => (await bucket.getMany(keys, options)).map((pair) => pair?.[1]),
      setMany: async (keys, values) =>
        void (await bucket.setMany(
          keys.map((key, index) => [key, values[index] as Uint8Array] as const),
          options,
        )),
      deleteMany: async (keys) => void (await bucket.deleteMany(keys, options)),
    };
  }

  /** Returns one page with a useful number of keys. Pages of the store may be empty, above all on a shared Redis. */
  async #listKeys(bucket: Bucket, prefix: string | undefined, cursor: string | undefined): Promise<Page<string>> {
    const { timeout } = this.#options;
    const end = performance.now() + timeout * pageTime;
    let page = await bucket.listKeys({ prefix, cursor, timeout });
    const keys = page.keys;
    while (page.cursor !== undefined && keys.length < pageKeys && performance.now() < end) {
      page = await bucket.listKeys({ prefix, cursor: page.cursor, timeout });
      keys.push(...page.keys);
    }
    return { keys, cursor: page.cursor };
  }
}

/** Passes the whole error of a call to the host, and returns the part of it that the component receives. */
export function reportFailure(failed: FailedCall, { onError }: CallRunnerOptions): Failure {
  const failure = toFailure(failed.error);
  try {
    // Lost races are part of a component's normal work.
    if (failure.code !== "precondition-failed") onError?.(failed);
  } catch {
    // A listener that fails must not end the component.
  }
  return failure;
}

/** Throws if a component would receive more bytes than the host allows. */
export function checkSize(value: unknown, { maxResultBytes }: CallRunnerOptions): void {
  let bytes = 0;
  for (const item of Array.isArray(value) ? value : [value]) {
    bytes += item instanceof Uint8Array ? item.length : 0;
    if (bytes > maxResultBytes)
      throw new HostError("too-large", `the result has more than ${maxResultBytes} bytes: ask for fewer keys`);
  }
}

const maxInt64 = 2n ** 63n - 1n;

export function checkUnsignedDelta(delta: bigint): bigint {
  if (delta <= maxInt64) return delta;
  throw new HostError("invalid-argument", "the store counts to 2^63 - 1 at most");
}

export function checkUnsignedSum(sum: bigint): bigint {
  if (sum >= 0n) return sum;
  throw new HostError("wrong-type", "the new value is negative, which this interface cannot express");
}
