import { checkOptions, checkTimeout } from "../execution/call.js";
import { SignalHub } from "../execution/signal-hub.js";
import { checkKey, checkValue } from "../input/check-entry.js";
import { copyOf } from "../input/value-list.js";
import type { Limits } from "../limits.js";
import type { Bucket, CallOptions, KeyPage, KeyValue } from "../store.js";
import { CoalescedReads } from "./coalesced-reads.js";
import { CoalescedWrites } from "./coalesced-writes.js";

/**
 * A bucket whose single calls travel together: the `get`, `set` and `delete` calls of one turn of the event loop become
 * one `getMany`, one `setMany` and one `deleteMany`. Code written one key at a time gets the speed of batches, and each
 * call still has its own result: a key that fails fails its own call alone.
 *
 * ```ts
 * const users = coalesce(await store.open("users"));
 * const [ada, bob] = await Promise.all([users.get("ada"), users.get("bob")]); // one round trip
 * ```
 *
 * As with any calls that nobody awaits in between, a `get` and a `set` of one turn may run in either order. Of several
 * writes to one key in one turn the last one counts, and all of them share its outcome, as far as they wait for it: each
 * call settles by its own deadline. Calls travel only with calls of the same `timeout`. All other methods are the bucket's
 * own.
 */
export function coalesce(bucket: Bucket): Bucket {
  return new CoalescingBucket(bucket);
}

class CoalescingBucket implements Bucket {
  readonly name: string;
  readonly limits: Limits;
  readonly #bucket: Bucket;
  readonly #reads: CoalescedReads;
  readonly #writes: CoalescedWrites;

  constructor(bucket: Bucket) {
    const signals = new SignalHub();
    this.name = bucket.name;
    this.limits = bucket.limits;
    this.#bucket = bucket;
    this.#reads = new CoalescedReads(bucket, signals);
    this.#writes = new CoalescedWrites(bucket, signals);
  }

  // A bad argument goes its own way, so that the bucket refuses it alone and not the batch.

  get(key: string, options?: CallOptions): Promise<Uint8Array | undefined> {
    return this.#isKey(key) && areOptions(options)
      ? this.#reads.add(key, options)
      : this.#bucket.get(key, options);
  }

  set(key: string, value: Uint8Array, options?: CallOptions): Promise<void> {
    if (!this.#isKey(key) || checkValue(value, this.limits) !== undefined || !areOptions(options))
      return this.#bucket.set(key, value, options);
    return this.#writes.add(key, copyOf(value), options);
  }

  delete(key: string, options?: CallOptions): Promise<void> {
    return this.#isKey(key) && areOptions(options)
      ? this.#writes.add(key, undefined, options)
      : this.#bucket.delete(key, options);
  }

  exists(key: string, options?: CallOptions): Promise<boolean> {
    return this.#bucket.exists(key, options);
  }

  listKeys(cursor?: string, options?: CallOptions): Promise<KeyPage> {
    return this.#bucket.listKeys(cursor, options);
  }

  keys(options?: CallOptions): AsyncIterable<string> {
    return this.#bucket.keys(options);
  }

  getMany(keys: Iterable<string>, options?: CallOptions): Promise<(KeyValue | undefined)[]> {
    return this.#bucket.getMany(keys, options);
  }

  setMany(entries: Iterable<KeyValue>, options?: CallOptions): Promise<void> {
    return this.#bucket.setMany(entries, options);
  }

  deleteMany(keys: Iterable<string>, options?: CallOptions): Promise<void> {
    return this.#bucket.deleteMany(keys, options);
  }

  #isKey(key: unknown): boolean {
    return checkKey(key, this.limits) === undefined;
  }
}

function areOptions(options: CallOptions | undefined): boolean {
  try {
    const { timeout } = checkOptions(options);
    return timeout === undefined || checkTimeout(timeout) === timeout;
  } catch {
    return false;
  }
}
