import type { SwapResult } from "@manykv/core";
import {
  allDone,
  type BucketsAnswer,
  type Driver,
  type DriverDescription,
  type DriverLimits,
  type Fault,
  type IncrementRequest,
  type ItemFault,
  type KeysRequest,
  keyExists,
  type ListAnswer,
  type ListRequest,
  nextTurn,
  now,
  type ReadAnswer,
  type SetRequest,
  type SwapRequest,
  type SweepAnswer,
  ValueCopier,
  type WriteAnswer,
} from "@manykv/core/driver";
import { BucketData } from "./bucket-data.js";

const mebibyte = 1_048_576;

/** Limits of one request. Core splits larger batches, so that other work on the event loop runs between requests. */
const requestLimits = Object.freeze({ maxKeys: 10_000, maxBytes: 64 * mebibyte });

const limits: DriverLimits = Object.freeze({
  maxValueBytes: 64 * mebibyte,
  get: requestLimits,
  set: requestLimits,
  delete: requestLimits,
  concurrency: 1,
});

/** Maximum time without other work on the event loop, in milliseconds, while calls follow one another. */
const longestTurn = 20;

/** Creates a driver that stores each bucket in a `Map`. `close()` deletes the data. */
export function memoryDriver(): Driver {
  return new MemoryDriver();
}

class MemoryDriver implements Driver {
  readonly name = "memory";
  readonly limits: DriverLimits = limits;
  readonly #buckets: Map<string, BucketData> = new Map();
  #lastTurn = 0;

  async get({ bucket, keys }: KeysRequest): Promise<ReadAnswer<Uint8Array<ArrayBuffer> | undefined>> {
    const data = this.#buckets.get(bucket);
    const values = new Array<Uint8Array<ArrayBuffer> | undefined>(keys.length);
    const copier = new ValueCopier(keys.length);
    for (let index = 0; index < keys.length; index++) {
      const value = data?.get(keys[index] as string);
      values[index] = value && copier.copy(value);
    }
    return this.#answer({ values });
  }

  async exists({ bucket, keys }: KeysRequest): Promise<ReadAnswer<boolean>> {
    const data = this.#buckets.get(bucket);
    return this.#answer({ values: keys.map((key) => data?.has(key) === true) });
  }

  /** Copies the values. The driver stores these copies, so stored values share no memory with other values. */
  prepareSet(
    _bucket: string,
    _keys: readonly string[],
    values: readonly Uint8Array[],
  ): readonly Uint8Array<ArrayBuffer>[] {
    return values.map((value) => new Uint8Array(value));
  }

  async set(request: SetRequest): Promise<WriteAnswer> {
    const { bucket, keys, prepared = this.prepareSet(bucket, keys, request.values) } = request;
    const values = prepared as readonly Uint8Array<ArrayBuffer>[];
    const data = this.#dataOf(bucket);
    for (let index = 0; index < keys.length; index++) {
      data.set(keys[index] as string, values[index] as Uint8Array<ArrayBuffer>, expiryAfter(request.ttls?.[index]));
    }
    return this.#answer(allDone);
  }

  async setIfAbsent({ bucket, keys, values, ttls }: SetRequest): Promise<WriteAnswer> {
    const data = this.#dataOf(bucket);
    const faults: ItemFault[] = [];
    for (const [index, key] of keys.entries()) {
      if (data.has(key)) faults.push({ ...keyExists, index });
      else data.set(key, new Uint8Array(values[index] as Uint8Array), expiryAfter(ttls?.[index]));
    }
    return this.#answer({ faults });
  }

  async increment({ bucket, key, delta, ttl }: IncrementRequest): Promise<bigint> {
    return this.#answer(this.#dataOf(bucket).increment(key, delta, expiryAfter(ttl)));
  }

  async compareAndSwap({ bucket, key, expected, value }: SwapRequest): Promise<SwapResult> {
    const result = this.#dataOf(bucket).compareAndSwap(key, expected, value && new Uint8Array(value));
    const copied = result.swapped ? result : { ...result, current: result.current && new Uint8Array(result.current) };
    return this.#answer(copied);
  }

  async ttl({ bucket, keys }: KeysRequest): Promise<ReadAnswer<number | null | undefined>> {
    const data = this.#buckets.get(bucket);
    const values = keys.map((key) => {
      if (!data?.has(key)) return undefined;
      const expiry = data.expiryOf(key);
      return expiry === undefined ? null : Math.max(1, expiry - Date.now());
    });
    return this.#answer({ values });
  }

  async delete({ bucket, keys }: KeysRequest): Promise<WriteAnswer> {
    const data = this.#buckets.get(bucket);
    for (const key of keys) data?.delete(key);
    return this.#answer(allDone);
  }

  async list({ bucket, prefix, cursor }: ListRequest): Promise<ListAnswer> {
    return this.#answer((this.#buckets.get(bucket) ?? new BucketData(bucket)).list(prefix, cursor));
  }

  async listBuckets(): Promise<BucketsAnswer> {
    const buckets = [...this.#buckets].filter(([, data]) => !data.isEmpty).map(([name]) => name);
    return this.#answer({ buckets });
  }

  async sweep(): Promise<SweepAnswer> {
    let swept = 0;
    for (const data of this.#buckets.values()) swept += data.sweep();
    return this.#answer({ swept, done: true });
  }

  async describe(): Promise<DriverDescription> {
    const message = "The data is lost when the process ends: use this store for tests and caches.";
    const findings = [{ code: "no-persistence", severity: "note", message } as const];
    return { product: "memory", topology: "in-process", settlesLostWrites: true, findings };
  }

  async close(): Promise<void> {
    this.#buckets.clear();
  }

  /** An unexpected error, such as a failed allocation, may occur after part of the request was applied. */
  classify(): Fault {
    return { code: "internal", retryable: false, effect: "unknown" };
  }

  /**
   * Returns an answer. If no other work on the event loop could run for 20 ms, returns a promise instead, and lets the
   * work run first. Otherwise, a program that awaits one call after the other would block timers and I/O.
   */
  #answer<Answer>(answer: Answer): Answer | Promise<Answer> {
    if (now() - this.#lastTurn < longestTurn) return answer;
    return nextTurn().then(() => {
      this.#lastTurn = now();
      return answer;
    });
  }

  #dataOf(bucket: string): BucketData {
    const found = this.#buckets.get(bucket);
    if (found !== undefined) return found;
    const data = new BucketData(bucket);
    this.#buckets.set(bucket, data);
    return data;
  }
}

/** Returns when a key expires, on the clock of `Date.now()`. */
function expiryAfter(ttl: number | undefined): number | undefined {
  return ttl === undefined ? undefined : Date.now() + ttl;
}
