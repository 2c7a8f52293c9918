// No ES20xx library declares `AsyncDisposable`. Without this line the types would depend on those of Node.js.
/// <reference lib="esnext.disposable" preserve="true" />

/** Maximum sizes of keys and values. Larger ones are rejected with code `too-large` before anything is sent. */
export interface Limits {
  /** Longest key, in UTF-8 bytes. */
  readonly maxKeyBytes: number;
  /** Longest value, in bytes. */
  readonly maxValueBytes: number;
}

/** The longest key on any backend, in UTF-8 bytes (rule S1). */
export const maxKeyBytes = 1024;

/**
 * The limits that every backend supports: 1,024-byte keys and 400,000-byte values. Pass them as the `limits` option, and
 * a program that works on one backend works on all.
 *
 * The value limit comes from DynamoDB, where an item has at most 400 KB including its key and attribute names:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-items
 */
export const portableLimits: Limits = Object.freeze({ maxKeyBytes, maxValueBytes: 400_000 });

/** A key and its value, as reads return them. */
export type KeyValue = readonly [key: string, value: Uint8Array<ArrayBuffer>];

/** A key and its value, as `setMany` accepts them. */
export type Entry = readonly [key: string, value: Uint8Array];

/** Options of every call. */
export interface CallOptions {
  /** Cancels the call. A write that was already sent when the signal fires ends as `unknown`. */
  readonly signal?: AbortSignal | undefined;
  /** How long the call may take, including retries, in milliseconds. Default 10,000; `Infinity` is allowed. */
  readonly timeout?: number | undefined;
}

export interface ListOptions extends CallOptions {
  /** The `cursor` of the previous page. Without it, the listing starts at the beginning. */
  readonly cursor?: string | undefined;
}

export interface OpenOptions {
  /**
   * Whether the `get`, `set` and `delete` calls of one event loop turn are combined into one batch per operation, so that
   * code that handles one key at a time runs at the speed of batches. Each call keeps its own result, deadline and signal.
   * If several writes of one turn have the same key, the last one wins and all share its outcome. A `get` and a write of
   * one turn may run in either order. Default `false`.
   */
  readonly coalesce?: boolean | undefined;
}

export interface KeyPage {
  readonly keys: string[];
  /** Pass it to the next `listKeys` call. Absent on the last page. Its format is private to the backend. */
  readonly cursor?: string;
}

export interface Store extends AsyncDisposable {
  /**
   * Opens a bucket. Sends nothing: a bucket exists as soon as it holds a key.
   *
   * @throws {StoreError} `no-such-store` if the name does not match `[A-Za-z0-9_.-]{1,64}` or is not in the store's
   * `buckets` option; `invalid-argument` for an unknown option; `closed` after `close()`.
   */
  open(name: string, options?: OpenOptions): Promise<Bucket>;
  /** Creates what the backend needs, such as a table. Safe to repeat and to run concurrently. Takes at most 180 s. */
  provision(): Promise<void>;
  /** Waits for the calls in flight, then releases everything the store opened. Later calls reject with `closed`. */
  close(): Promise<void>;
}

/**
 * A set of keys and values, separate from every other bucket.
 *
 * Every method rejects with a {@link StoreError}: `invalid-argument` for an ill-formed key, a value that is not a
 * `Uint8Array`, or an option that is unknown or out of range; `too-large` for a key or value over `limits`; `timeout`
 * and `aborted` according to the call's options; `closed` after the store was closed; otherwise the code that describes
 * the backend's failure. Writes reject with a {@link BatchError}, which reports the outcome of every key.
 */
export interface Bucket {
  readonly name: string;
  /** The limits in force: the backend's, or lower ones from the store's `limits` option. */
  readonly limits: Limits;
  /** Returns the value of a key, or `undefined` if the key does not exist. */
  get(key: string, options?: CallOptions): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Sets one key. Rejects with a {@link BatchError} of one entry. */
  set(key: string, value: Uint8Array, options?: CallOptions): Promise<void>;
  /** Deletes one key. Deleting a missing key succeeds. Rejects with a {@link BatchError} of one entry. */
  delete(key: string, options?: CallOptions): Promise<void>;
  /** Returns whether the key exists. */
  exists(key: string, options?: CallOptions): Promise<boolean>;
  /**
   * Returns one page of this bucket's keys, in no particular order. A key that exists during the whole listing is listed
   * at least once. A key may be listed twice, and an empty page may have a cursor.
   */
  listKeys(options?: ListOptions): Promise<KeyPage>;
  /** Iterates over all keys of this bucket, page by page. `timeout` applies to each page. */
  keys(options?: CallOptions): AsyncIterable<string>;
  /**
   * Returns one result per key, in the order of `keys` and including duplicates: the key with its value, or `undefined` if
   * the key does not exist. Rejects if any key cannot be read.
   *
   * You may modify returned values. Values may share an `ArrayBuffer` of up to 64 KiB, like Node's pooled Buffers: never
   * use `value.buffer`, and call `slice()` before you transfer a value to a worker or keep a few of many for a long time.
   */
  getMany(keys: Iterable<string>, options?: CallOptions): Promise<(KeyValue | undefined)[]>;
  /**
   * Sets many keys. A `Map` is an iterable of entries. If a key occurs twice, the last entry wins. Not atomic: if the call
   * rejects, its {@link BatchError} reports the outcome of each entry.
   */
  setMany(entries: Iterable<Entry>, options?: CallOptions): Promise<void>;
  /** Deletes many keys. Missing keys count as deleted. Not atomic, like `setMany`. */
  deleteMany(keys: Iterable<string>, options?: CallOptions): Promise<void>;
}
