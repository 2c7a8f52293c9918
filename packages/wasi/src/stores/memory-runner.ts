import { BatchError, portableLimits, StoreError } from "@manykv/core";
import { FaultError } from "@manykv/core/driver";
import { BucketData, memoryDriver } from "@manykv/memory";
import {
  type CallRunnerOptions,
  checkSize,
  checkUnsignedDelta,
  checkUnsignedSum,
  reportFailure,
} from "./call-runner.js";
import type { Answer, CallName, Calls, Page } from "./calls.js";
import { HostError } from "./failure.js";
import { NumberedCursors } from "./numbered-cursors.js";
import type { StoreSettings } from "./store-table.js";

const { maxKeyBytes } = portableLimits; // the same on every backend
const { maxValueBytes } = memoryDriver().limits;

/**
 * Runs calls on `memory:` in the thread of the component. A component without JSPI cannot wait for the promises of
 * `@manykv/memory`, and needs no worker for a `Map`. Its answers are those of `@manykv/memory`. It ignores prefixes,
 * times to live and conditions, because no shape for components without JSPI has them.
 */
export class MemoryRunner {
  readonly #settings: StoreSettings;
  readonly #options: CallRunnerOptions;
  readonly #cursors: NumberedCursors = new NumberedCursors();
  /** All identifiers share one store, as identifiers with the same URL do. */
  readonly #buckets: Map<string, BucketData> = new Map();
  #closed = false;

  constructor(settings: StoreSettings, options: CallRunnerOptions) {
    this.#settings = settings;
    this.#options = options;
  }

  run<Name extends CallName>(
    identifier: string,
    name: Name,
    args: Parameters<Calls[Name]>,
  ): Answer<ReturnType<Calls[Name]>> {
    try {
      const call = this.#callsOn(this.#bucket(identifier), identifier)[name] as (
        ...args: Parameters<Calls[Name]>
      ) => ReturnType<Calls[Name]>;
      const value = call(...args);
      checkSize(value, this.#options);
      return { value };
    } catch (thrown) {
      const error = FaultError.is(thrown) ? new StoreError(thrown.fault.code, thrown.message) : thrown;
      return { failure: reportFailure({ identifier, call: name, error }, this.#options) };
    }
  }

  close(): void {
    this.#closed = true;
    this.#buckets.clear();
  }

  #bucket(identifier: string): BucketData {
    if (this.#closed) throw new HostError("closed", "the host closed the store");
    const name = this.#settings.get(identifier)?.bucket ?? identifier;
    const found = this.#buckets.get(name) ?? new BucketData(name);
    this.#buckets.set(name, found);
    return found;
  }

  #callsOn(bucket: BucketData, identifier: string): Calls {
    return {
      get: (key) => bucket.get(checkKey(key)),
      set: (key, value) => void bucket.set(checkKey(key), new Uint8Array(checkValue(value))),
      delete: (key) => void bucket.delete(checkKey(key)),
      exists: (key) => bucket.has(checkKey(key)),
      listKeys: (_prefix, cursor) => pageOf(bucket, cursor),
      listKeysByNumber: (number) => {
        const { keys, cursor } = pageOf(bucket, this.#cursors.textOf(identifier, number));
        return { keys, cursor: this.#cursors.numberOf(identifier, cursor) };
      },
      increment: (key, delta) => bucket.increment(checkKey(key), delta),
      incrementUnsigned: (key, delta) => {
        const checked = checkUnsignedDelta(delta);
        return checkUnsignedSum(bucket.increment(checkKey(key), checked));
      },
      compareAndSwap: (key, expected, value) =>
        bucket.compareAndSwap(checkKey(key), expected, new Uint8Array(checkValue(value))),
      getMany: (keys) => {
        for (const key of keys) checkKey(key);
        return keys.map((key) => bucket.get(key));
      },
      setMany: (keys, values) => {
        checkEntries(keys, (index) => checkValue(values[index] as Uint8Array));
        for (const [index, key] of keys.entries()) bucket.set(key, new Uint8Array(values[index] as Uint8Array));
      },
      deleteMany: (keys) => {
        checkEntries(keys);
        for (const key of keys) bucket.delete(key);
      },
    };
  }
}

function pageOf(bucket: BucketData, cursor: string | undefined): Page<string> {
  const { keys, cursor: next } = bucket.list("", cursor);
  return { keys: [...keys], cursor: next };
}

function checkKey(key: string): string {
  if (Buffer.byteLength(key) <= maxKeyBytes) return key;
  throw new StoreError("too-large", `the key is longer than ${maxKeyBytes} bytes of UTF-8`);
}

function checkValue(value: Uint8Array): Uint8Array {
  if (value.length <= maxValueBytes) return value;
  throw new StoreError("too-large", `the value has ${value.length} bytes (limit: ${maxValueBytes})`);
}

/** Checks all entries of a write before the first one is applied. */
function checkEntries(keys: readonly string[], checkOther?: (index: number) => unknown): void {
  try {
    for (const [index, key] of keys.entries()) {
      checkKey(key);
      checkOther?.(index);
    }
  } catch (error) {
    const { code, message } = error as StoreError;
    const counts = { applied: 0, "not-applied": keys.length, unknown: 0 };
    throw new BatchError(code, message, {
      size: keys.length,
      counts,
      outcomeOf: () => "not-applied",
      causeOf: () => ({ code }),
    });
  }
}
