// TypeScript's ES20xx libraries lack `AsyncDisposable`. Without this line, these types would need `@types/node`.
/// <reference lib="esnext.disposable" preserve="true" />

import type { ServerAddress } from "./driver.js";

/** Maximum sizes of keys and values. A call with a larger key or value sends nothing and rejects with `too-large`. */
export interface Limits {
  /** Maximum length of a key, in UTF-8 bytes. */
  readonly maxKeyBytes: number;
  /** Maximum length of a value, in bytes. */
  readonly maxValueBytes: number;
}

/** Maximum length of a key on every backend, in UTF-8 bytes (rule S1 in `docs/semantics.md`). */
export const maxKeyBytes = 1024;

/**
 * The limits that every backend supports: keys of up to 1,024 UTF-8 bytes and values of up to 400,000 bytes. A program
 * that passes them as the `limits` option can store the same keys and values on every backend.
 *
 * The value limit comes from DynamoDB, where an item has at most 400 KB including its key and attribute names:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-items
 */
export const portableLimits: Limits = /* @__PURE__ */ Object.freeze({ maxKeyBytes, maxValueBytes: 400_000 });

/** A key and its value, as `getMany` returns them. */
export type KeyValue = readonly [key: string, value: Uint8Array<ArrayBuffer>];

/** A key and its value, as `setMany` accepts them. The `ttl` of an entry replaces the `ttl` of the call. */
export type Entry = readonly [key: string, value: Uint8Array, options?: EntryOptions];

/** Options of one entry of `setMany`. */
export interface EntryOptions {
  /**
   * Time to live, in milliseconds: an integer from 1 to `Number.MAX_SAFE_INTEGER` (2^53 - 1). The key expires this long
   * after the backend applies the write, and then does not exist for any operation. The default of an entry is the `ttl`
   * of the call. Without either, the key does not expire, and the write removes an earlier expiry. The call rejects with
   * `unsupported` if keys of the backend cannot expire.
   */
  readonly ttl?: number | undefined;
}

/** Options that every method of a bucket accepts. */
export interface CallOptions {
  /** Cancels the call when the signal is aborted. A write that was sent but not yet acknowledged becomes `unknown`. */
  readonly signal?: AbortSignal | undefined;
  /** Maximum duration of the call including retries, in ms, or `Infinity`. Default: the store's `timeout` (10,000). */
  readonly timeout?: number | undefined;
}

/** Options of `set` and `setMany`. */
export interface SetOptions extends CallOptions, EntryOptions {
  /**
   * Sets only keys that do not exist. An existing key is `not-applied`, with the code `precondition-failed`. If a key occurs
   * more than once in a batch, only its first entry can be applied. The call rejects with `unsupported` if the backend
   * cannot do this. Default: `false`.
   */
  readonly ifAbsent?: boolean | undefined;
}

/** Options of `increment`. */
export interface IncrementOptions extends CallOptions {
  /** Time to live, in milliseconds, as for `set`. Applies only if this call creates the key. Default: no expiry. */
  readonly ttl?: number | undefined;
}

/** Options of `keys` and `clear`. */
export interface ListOptions extends CallOptions {
  /** Lists only keys that start with this string: at most 1,024 bytes of UTF-8, like a key. Default: lists all keys. */
  readonly prefix?: string | undefined;
}

/** Options of `listKeys`. */
export interface PageOptions extends ListOptions {
  /** The `cursor` of the previous page of a listing with the same `prefix`. Default: the first page. */
  readonly cursor?: string | undefined;
}

/** What `compareAndSwap` compares and writes. */
export interface Change {
  /** The value that the key must have, or `undefined` if the key must not exist. */
  readonly expected: Uint8Array | undefined;
  /** The new value, or `undefined` to delete the key. */
  readonly value: Uint8Array | undefined;
}

/** The result of `compareAndSwap`. If the key had another value than expected, `current` is that value. */
export type SwapResult =
  | { readonly swapped: true }
  | { readonly swapped: false; readonly current: Uint8Array<ArrayBuffer> | undefined };

export interface OpenOptions {
  /**
   * Whether manykv combines the `get`, `set` and `delete` calls of one event loop turn into one batch per operation and
   * timeout. Code that handles single keys then runs at the speed of batches. Each call keeps its own result, deadline
   * and signal. If several writes of one turn have the same key, the last one wins and the others share its outcome. A
   * `get` and a write of the same turn may run in either order. Default `false`.
   */
  readonly coalesce?: boolean | undefined;
}

export interface KeyPage {
  readonly keys: string[];
  /** Pass it to the next `listKeys` call to get the next page. Absent on the last page. Do not parse it. */
  readonly cursor?: string;
}

export interface Store extends AsyncDisposable {
  /**
   * Opens a bucket. Sends no request, because a bucket needs no setup.
   *
   * @throws {StoreError} `no-such-store` if the name does not match `[A-Za-z0-9_.-]{1,64}` or is not in the store's
   * `buckets` option; `invalid-argument` if an option is unknown or invalid; `closed` after `close()`.
   */
  open(name: string, options?: OpenOptions): Promise<Bucket>;
  /** Creates what the backend needs, such as a table. Safe to repeat and to call concurrently. Takes at most 180 s. */
  provision(): Promise<void>;
  /**
   * Returns what is known about the server: product, version, topology, abilities, and findings that an operator should
   * know. Connects if necessary.
   *
   * @throws {StoreError} like a read, for example `unavailable`.
   */
  describe(options?: CallOptions): Promise<StoreDescription>;
  /**
   * Iterates over the names of the buckets that hold keys. Yields each name once, in no particular order. If the store has
   * the option `buckets`, yields only names in that list. `timeout` applies to each request.
   *
   * @throws {StoreError} `unsupported` if the backend cannot list buckets.
   */
  buckets(options?: CallOptions): AsyncIterable<string>;
  /**
   * Deletes expired keys that still take space on the backend, and returns their number. Returns 0 if the backend reclaims
   * their space without help. Expired keys do not exist for any operation, whether or not their space was reclaimed.
   * `timeout` applies to the whole call. If the call rejects, some keys may have been deleted: call it again.
   */
  sweep(options?: CallOptions): Promise<number>;
  /** Waits for calls in flight, then closes the store's own connections. Later, other methods reject with `closed`. */
  close(): Promise<void>;
}

/** What a store knows about its server, as `describe` returns it. */
export interface StoreDescription {
  /** Short name of the driver, such as `redis`. */
  readonly driver: string;
  readonly server: ServerAddress | undefined;
  /** Name of the product in lower case, such as `valkey`. `undefined` if the server does not report it. */
  readonly product: string | undefined;
  readonly version: string | undefined;
  /** How the server is deployed, such as `single`, `cluster` or `pooler`. `undefined` if it is not known. */
  readonly topology: string | undefined;
  /** The table that holds the data. `undefined` if the backend has no tables. */
  readonly table: StoreTable | undefined;
  readonly abilities: Abilities;
  readonly limits: Limits;
  /** Facts that an operator should know, such as a setting that loses data. */
  readonly findings: readonly Finding[];
}

export interface StoreTable {
  readonly name: string;
  /**
   * The columns or key attributes and their types, as the backend writes them, such as `key bytea, value bytea`.
   * `undefined` if the table does not exist, or if the server does not describe it.
   */
  readonly layout: string | undefined;
}

export interface Abilities {
  /**
   * Whether manykv can ensure that a write whose response was lost takes no effect later. If not, such a write may
   * overwrite a newer value of the same key. `undefined` if the driver does not report it.
   */
  readonly settlesLostWrites: boolean | undefined;
  /** Whether keys can expire: `ttl`, `ttlMany`. */
  readonly ttl: boolean;
  /** Whether `set` and `setMany` support `ifAbsent`. */
  readonly ifAbsent: boolean;
  /** Whether the backend supports `increment`. */
  readonly increment: boolean;
  /** Whether the backend supports `compareAndSwap`. */
  readonly compareAndSwap: boolean;
  /** Whether the backend supports `store.buckets()`. */
  readonly buckets: boolean;
}

export interface Finding {
  /** Stable name in kebab case, such as `cannot-settle`. */
  readonly code: string;
  /**
   * `data-loss`: the server may lose or change acknowledged data. `warning`: a guarantee of manykv may not hold.
   * `note`: another fact, for example one that manykv could not check.
   */
  readonly severity: "data-loss" | "warning" | "note";
  /** What was found and what to do. Contains no secret. */
  readonly message: string;
}

/**
 * A set of keys and values, separate from every other bucket.
 *
 * A method that fails rejects with a {@link StoreError}. Its code is `invalid-argument` for an ill-formed key, a value
 * that is not a `Uint8Array`, or an unknown or invalid option; `too-large` for a key or value over `limits`; `timeout`
 * after the deadline; `aborted` if the signal was aborted; `closed` if the store was closed; or the code of the
 * backend's failure. A write that fails rejects with a {@link BatchError}, which reports the outcome of every entry.
 */
export interface Bucket {
  readonly name: string;
  /** The limits that apply: those of the backend, or lower ones from the store's `limits` option. */
  readonly limits: Limits;
  /** Returns the value of a key, or `undefined` if the key does not exist. */
  get(key: string, options?: CallOptions): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Sets the value of one key. If this fails, rejects with a {@link BatchError} of one entry. */
  set(key: string, value: Uint8Array, options?: SetOptions): Promise<void>;
  /** Deletes one key, whether or not it exists. If this fails, rejects with a {@link BatchError} of one entry. */
  delete(key: string, options?: CallOptions): Promise<void>;
  /** Returns whether the key exists. */
  exists(key: string, options?: CallOptions): Promise<boolean>;
  /**
   * Returns one page of this bucket's keys, in no particular order. A key that exists during the whole listing is
   * listed at least once, and may be listed more than once. A page may be empty and still have a cursor.
   */
  listKeys(options?: PageOptions): Promise<KeyPage>;
  /**
   * Iterates over the keys of this bucket. Calls `listKeys` for each page. `timeout` applies to each page. Rejects with
   * `internal` if the backend repeats a cursor, because the listing would never end. A loop over `listKeys` does not
   * detect this.
   */
  keys(options?: ListOptions): AsyncIterable<string>;
  /**
   * Deletes the keys that `keys` lists, page by page. A key that another client adds during the call may remain.
   * `timeout` applies to the whole call, so raise it for a large bucket. If the call rejects with a {@link StoreError}, some
   * keys may have been deleted: call it again.
   */
  clear(options?: ListOptions): Promise<void>;
  /**
   * Returns one result per key, in the order of `keys` and including duplicates: the key with its value, or `undefined`
   * if the key does not exist. Rejects if any key cannot be read.
   *
   * You may modify returned values. They may share an `ArrayBuffer` of up to 64 KiB, so do not use `value.buffer`.
   * Call `slice()` before you transfer a value to a worker, or if you keep one of many values for a long time.
   */
  getMany(keys: Iterable<string>, options?: CallOptions): Promise<(KeyValue | undefined)[]>;
  /**
   * Sets many keys from an array, a `Map` or another iterable of entries. If a key occurs more than once, its last
   * entry wins. Not atomic: if the call rejects, its {@link BatchError} reports the outcome of each entry.
   */
  setMany(entries: Iterable<Entry>, options?: SetOptions): Promise<void>;
  /** Deletes many keys. A missing key counts as deleted. Not atomic, like `setMany`. */
  deleteMany(keys: Iterable<string>, options?: CallOptions): Promise<void>;
  /** Like `getMany`, but returns a `Map` of the keys that exist. */
  getMap(keys: Iterable<string>, options?: CallOptions): Promise<Map<string, Uint8Array<ArrayBuffer>>>;
  /** Returns whether each key exists, in the order of `keys`. Rejects if any key cannot be read. */
  existsMany(keys: Iterable<string>, options?: CallOptions): Promise<boolean[]>;
  /**
   * Returns the remaining time to live of each key in milliseconds, in the order of `keys`: `null` for a key that does not
   * expire, and `undefined` for a key that does not exist. Rejects if any key cannot be read.
   *
   * @throws {StoreError} `unsupported` if keys of the backend cannot expire.
   */
  ttlMany(keys: Iterable<string>, options?: CallOptions): Promise<(number | null | undefined)[]>;
  /**
   * Adds `delta` (default 1) to an integer and returns the result. Atomic. The backend stores the integer as decimal text,
   * so `get` returns for example the bytes of `-42`. A missing key counts as 0. The key keeps its expiry.
   *
   * Never repeats an increment that may have been applied. If its response is lost, rejects with the outcome `unknown`.
   *
   * @param delta - a signed 64-bit integer. A `number` must be a safe integer.
   * @throws {BatchError} of one entry: `wrong-type` if the value is not a signed 64-bit integer in decimal text without
   * leading zeros; `precondition-failed` if the result does not fit in 64 bits; `unsupported` if the backend cannot
   * increment. In these cases, the value does not change.
   */
  increment(key: string, delta?: bigint | number, options?: IncrementOptions): Promise<bigint>;
  /**
   * Replaces the value of a key if the key has the expected value. Atomic. Otherwise, changes nothing and returns the
   * current value. An existing key keeps its expiry; a new one has none.
   *
   * Compares values, so it cannot detect that a key changed and changed back. If the response is lost and manykv cannot
   * find out what happened, rejects with a {@link BatchError} of one entry with the outcome `unknown`.
   *
   * @throws {BatchError} of one entry: `unsupported` if the backend cannot swap.
   */
  compareAndSwap(key: string, change: Change, options?: CallOptions): Promise<SwapResult>;
}
