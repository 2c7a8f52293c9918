import {
  allDone,
  type Driver,
  type DriverDescription,
  type DriverLimits,
  type Fault,
  FaultError,
  type KeysRequest,
  type ListAnswer,
  type ListRequest,
  nextTurn,
  now,
  type ReadAnswer,
  type SetRequest,
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

const pageSize = 1_000;

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
      if (value !== undefined) values[index] = copier.copy(value);
    }
    return this.#answer({ values });
  }

  async exists({ bucket, keys }: KeysRequest): Promise<ReadAnswer<boolean>> {
    const data = this.#buckets.get(bucket);
    return this.#answer({ values: keys.map((key) => data?.has(key) === true) });
  }

  /** Copies the values. The driver stores these copies, so stored values share no memory with other values. */
  prepareSet(_bucket: string, _keys: readonly string[], values: readonly Uint8Array[]): readonly Uint8Array[] {
    return values.map((value) => new Uint8Array(value));
  }

  async set(request: SetRequest): Promise<WriteAnswer> {
    const { bucket, keys, prepared = this.prepareSet(bucket, keys, request.values) } = request;
    const values = prepared as readonly Uint8Array[];
    const data = this.#buckets.get(bucket) ?? this.#createBucket(bucket);
    for (let index = 0; index < keys.length; index++) {
      data.set(keys[index] as string, values[index] as Uint8Array);
    }
    return this.#answer(allDone);
  }

  async delete({ bucket, keys }: KeysRequest): Promise<WriteAnswer> {
    const data = this.#buckets.get(bucket);
    for (const key of keys) data?.delete(key);
    return this.#answer(allDone);
  }

  /** Returns a page of keys. Added or deleted keys do not affect the cursor, which contains the page's last key. */
  async list({ bucket, cursor }: ListRequest): Promise<ListAnswer> {
    const last = cursor === undefined ? undefined : parseCursor(cursor);
    const { keys, more } = this.#buckets.get(bucket)?.page(last, pageSize) ?? { keys: [], more: false };
    return this.#answer(more ? { keys, cursor: cursorPrefix + keys.at(-1) } : { keys });
  }

  async describe(): Promise<DriverDescription> {
    return { product: "memory", topology: "in-process", settlesLostWrites: true };
  }

  async close(): Promise<void> {
    this.#buckets.clear();
  }

  /** An unexpected error, such as a failed allocation, may occur after part of the request was applied. */
  classify(): Fault {
    return { code: "internal", retryable: false, effect: "unknown" };
  }

  /**
   * Returns an answer. If no other work on the event loop could run for 20 ms, lets it run first. Otherwise, a program
   * that awaits one call after the other would block timers and I/O.
   */
  async #answer<Answer>(answer: Answer): Promise<Answer> {
    if (now() - this.#lastTurn < longestTurn) return answer;
    await nextTurn();
    this.#lastTurn = now();
    return answer;
  }

  #createBucket(bucket: string): BucketData {
    const data = new BucketData();
    this.#buckets.set(bucket, data);
    return data;
  }
}

const cursorPrefix = "after:";

function parseCursor(cursor: string): string {
  if (cursor.startsWith(cursorPrefix)) return cursor.slice(cursorPrefix.length);
  throw new FaultError({
    code: "invalid-argument",
    retryable: false,
    effect: "none",
    reason: "the cursor is invalid: pass a cursor that listKeys returned for this bucket",
  });
}
