// `AsyncDisposable` is in no library of a year yet: without this the types would need those of Node.
/// <reference lib="esnext.disposable" preserve="true" />

import type { Limits } from "./limits.js";

/** A key and its value. */
export type KeyValue = readonly [key: string, value: Uint8Array];

/** Options that every call takes. */
export interface CallOptions {
  /** Cancels the call. A write that was already sent when the signal fires ends as `unknown`. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Time that the whole call may take, retries and waiting included, in milliseconds. Default 10,000; `Infinity`
   * is allowed.
   */
  readonly timeout?: number | undefined;
}

/** One page of a listing. */
export interface KeyPage {
  readonly keys: string[];
  /** Pass it to the next `listKeys` call; absent on the last page. Opaque: its form is the backend's own. */
  readonly cursor?: string;
}

/** A connection to a backend, from which buckets are opened. */
export interface Store extends AsyncDisposable {
  /**
   * Opens a bucket by its name. Sends nothing: a bucket exists as soon as it is named.
   *
   * @throws {StoreError} `no-such-store` where the name does not match `[A-Za-z0-9_.-]{1,64}`, or is not in the
   * store's `buckets` option; `closed` after `close()`.
   */
  open(identifier: string): Promise<Bucket>;
  /** Creates what the backend needs, such as a table. Safe to repeat, and to run from several processes at once. */
  provision(): Promise<void>;
  /** Waits for the calls in flight, then releases what the store opened. Later calls reject with `closed`. */
  close(): Promise<void>;
}

/**
 * A set of keys with their values, separate from every other bucket.
 *
 * Every method rejects with a {@link StoreError}: `invalid-argument` for a key that is not a well-formed string, a
 * value that is not a `Uint8Array` or an option out of range; `too-large` for a key or value over `limits`;
 * `timeout` and `aborted` by the call's options; `closed` after the store was closed; and what the engine says:
 * `throttled`, `connection-lost`, `unavailable`, `no-such-store`, `access-denied`, `internal`. Writes reject with a
 * {@link BatchError}, which tells the outcome of every key.
 */
export interface Bucket {
  readonly name: string;
  /** The limits in force: the backend's, lowered by the store's `limits` option. */
  readonly limits: Limits;
  /** The value of a key, or `undefined` where there is none. */
  get(key: string, options?: CallOptions): Promise<Uint8Array | undefined>;
  /** Sets one key. Rejects with a {@link BatchError} of one outcome. */
  set(key: string, value: Uint8Array, options?: CallOptions): Promise<void>;
  /** Deletes one key; a missing key is no error. Rejects with a {@link BatchError} of one outcome. */
  delete(key: string, options?: CallOptions): Promise<void>;
  /** Whether the key has a value. */
  exists(key: string, options?: CallOptions): Promise<boolean>;
  /**
   * One page of this bucket's keys, in no particular order. Each key that exists during the whole listing is
   * listed at least once; a key may be listed twice, and a page may be empty and still have a cursor.
   */
  listKeys(cursor?: string, options?: CallOptions): Promise<KeyPage>;
  /** All keys of this bucket, page by page. The `timeout` holds for each page. */
  keys(options?: CallOptions): AsyncIterable<string>;
  /**
   * The values of many keys, in the order of `keys`: one place for each key, duplicates included, `undefined`
   * where there is no value. Rejects when even one key could not be read.
   *
   * Each value is the caller's to change. Small ones may lie beside others in one `ArrayBuffer` of 8 KiB, as small
   * `Buffer`s of Node do: pass on the value and never its `buffer`, and copy it with `slice()` before it is transferred or
   * cloned to another thread, or where one of many is kept for long.
   */
  getMany(keys: Iterable<string>, options?: CallOptions): Promise<(KeyValue | undefined)[]>;
  /**
   * Sets many keys. A `Map` is an iterable of entries. Of a key that comes twice the last value wins. Not atomic:
   * when it rejects, the {@link BatchError} tells for each entry whether it was applied.
   */
  setMany(entries: Iterable<KeyValue>, options?: CallOptions): Promise<void>;
  /** Deletes many keys. Missing keys are skipped. Not atomic, as `setMany`. */
  deleteMany(keys: Iterable<string>, options?: CallOptions): Promise<void>;
}
