import {
  allDone,
  type Driver,
  type DriverLimits,
  type Fault,
  type KeysRequest,
  type ListAnswer,
  type ListRequest,
  type ReadAnswer,
  type SetRequest,
  StoreError,
  ValueCopier,
  type WriteAnswer,
} from "@manykv/core";
import { Contents } from "./contents.js";

const mebibyte = 1_048_576;

/** Nothing in memory limits a request; requests of this size let other work of the event loop in between. */
const request = Object.freeze({ maxKeys: 10_000, maxBytes: 64 * mebibyte });

const limits: DriverLimits = Object.freeze({
  maxKeyBytes: 1024,
  maxValueBytes: 64 * mebibyte,
  get: request,
  set: request,
  delete: request,
  concurrency: 1,
});

const pageSize = 1_000;

/** A driver over a `Map` for each bucket, gone when the driver is closed. */
export function memoryDriver(): Driver {
  return new MemoryDriver();
}

class MemoryDriver implements Driver {
  readonly name = "memory";
  readonly limits: DriverLimits = limits;
  readonly keepsValues = true;
  readonly #buckets: Map<string, Contents> = new Map();

  async get({ bucket, keys }: KeysRequest): Promise<ReadAnswer<Uint8Array | undefined>> {
    const contents = this.#buckets.get(bucket);
    const values = new Array<Uint8Array | undefined>(keys.length);
    if (contents === undefined) return { values };
    const copier = new ValueCopier(keys.length);
    for (let index = 0; index < keys.length; index++) {
      const value = contents.get(keys[index] as string);
      if (value !== undefined) values[index] = copier.copy(value);
    }
    return { values };
  }

  async exists({ bucket, keys }: KeysRequest): Promise<ReadAnswer<boolean>> {
    const contents = this.#buckets.get(bucket);
    return { values: keys.map((key) => contents?.has(key) === true) };
  }

  async set({ bucket, keys, values }: SetRequest): Promise<WriteAnswer> {
    const contents = this.#buckets.get(bucket) ?? this.#create(bucket);
    for (let index = 0; index < keys.length; index++) {
      contents.set(keys[index] as string, values[index] as Uint8Array);
    }
    return allDone;
  }

  async delete({ bucket, keys }: KeysRequest): Promise<WriteAnswer> {
    const contents = this.#buckets.get(bucket);
    for (const key of keys) contents?.delete(key);
    return allDone;
  }

  /** A cursor is the last key listed, so that it holds its place whatever comes and goes. */
  async list({ bucket, cursor }: ListRequest): Promise<ListAnswer> {
    const last = cursor === undefined ? undefined : parseCursor(cursor);
    const { keys, more } = this.#buckets.get(bucket)?.page(last, pageSize) ?? { keys: [], more: false };
    return more ? { keys, cursor: cursorPrefix + keys.at(-1) } : { keys };
  }

  async close(): Promise<void> {
    this.#buckets.clear();
  }

  classify(error: unknown): Fault {
    // What throws half-way, for want of memory, has applied a part.
    if (!StoreError.is(error)) return { code: "internal", retryable: false, effect: "unknown" };
    return { code: error.code, retryable: false, effect: "none" };
  }

  #create(bucket: string): Contents {
    const contents = new Contents();
    this.#buckets.set(bucket, contents);
    return contents;
  }
}

const cursorPrefix = "after:";

function parseCursor(cursor: string): string {
  if (cursor.startsWith(cursorPrefix)) return cursor.slice(cursorPrefix.length);
  throw new StoreError("invalid-argument", "the cursor is not one that listKeys gave");
}
