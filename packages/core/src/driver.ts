import type { StoreErrorCode } from "./errors.js";
import type { Abilities, Change, Finding, StoreTable, SwapResult } from "./store.js";

/**
 * The interface of a backend. A driver sends one request to its engine and reports what happened to each key. Core does
 * the rest: validation, order, duplicates, chunking, concurrency, retries, deadlines, outcomes and errors.
 *
 * A driver can rely on this:
 * - A request for keys has at least 1 key and at most as many as `limits` allows. The keys are well-formed and all
 *   different. Each has at most 1,024 bytes of UTF-8.
 * - Values have at most `maxValueBytes` bytes and do not change until the request settles. Copy them to use them later.
 * - A bucket name matches `[A-Za-z0-9_.-]{1,64}`.
 * - Core calls `close()` once, when no call is in flight. After that, core calls no other method.
 *
 * Core relies on this:
 * - A method makes one attempt: it does not retry. `unprocessed` and `faults` list the keys that did not succeed, so
 *   that core can retry them.
 * - If a write resolves, the engine acknowledged every key that is in neither list.
 * - A method rejects only if all keys of the request failed in the same way. It rejects with an error of the engine or its
 *   client, which core passes to `classify`, or with a {@link FaultError}, whose fault core uses as it is.
 * - If a write may still take effect after its method has settled, its fault has a `fence`, if the engine allows that.
 * - If a `get` or `exists` of several keys ends as `connection-lost`, core repeats it as two smaller requests. So a driver
 *   may limit the size of a response, and a server may close the connection because a response exceeds its limit.
 * - When a request is aborted, the method settles within 100 ms, with effect `unknown` for keys whose state is unknown.
 * - A method that waits for no I/O lets other work on the event loop run from time to time, for example every 20 ms.
 * - A read sees every write that was acknowledged before the read started.
 * - Two keys are the same key only if their strings are equal. Equal keys in different buckets are different keys.
 * - Returned values share no bytes with each other or with memory that the driver keeps. Core copies each value that is a
 *   `Buffer` or another subclass of `Uint8Array`, so a driver may return it, but a plain `Uint8Array` is faster.
 *
 * If an answer breaks these types, the call fails with the code `internal` and a reason that names the method.
 */
export interface Driver {
  /** Short name of the engine for messages and tracing events, such as `redis`. */
  readonly name: string;
  /** Address of the server, for tracing events. */
  readonly server?: ServerAddress | undefined;
  /** The limits of the engine. The object must be frozen, because core reads it only when the store is created. */
  readonly limits: DriverLimits;
  /** Returns the value of each key, and `undefined` for a missing key. */
  get(request: KeysRequest): Promise<ReadAnswer<Uint8Array<ArrayBuffer> | undefined>>;
  set(request: SetRequest): Promise<WriteAnswer>;
  /**
   * Encodes a set before the caller may change the values, so that core need not copy them. Sends nothing. Each attempt
   * of `set` gets the result as `request.prepared`. Optional. Requires that `set` acknowledges all keys or rejects.
   * The values may belong to the caller, so read only their `length` and their bytes, not their `buffer`.
   */
  prepareSet?(bucket: string, keys: readonly string[], values: readonly Uint8Array[]): unknown;
  /** Deletes keys. A missing key counts as deleted. */
  delete(request: KeysRequest): Promise<WriteAnswer>;
  /** Returns whether each key exists. Optional: without this method, core calls `get`. */
  exists?(request: KeysRequest): Promise<ReadAnswer<boolean>>;
  list(request: ListRequest): Promise<ListAnswer>;
  /**
   * Sets only the keys that do not exist. Checks and sets each key atomically. A key that exists gets a fault with the code
   * `precondition-failed` and the effect `none`. Optional: without this method, the option `ifAbsent` is `unsupported`.
   */
  setIfAbsent?(request: SetRequest): Promise<WriteAnswer>;
  /**
   * Returns the remaining time of each key as an integer in milliseconds, which may be 0, `null` for a key that does not
   * expire, and `undefined` for a missing key. A driver with this method also supports `ttls` and `ttl` in its requests:
   * such a key does not exist for any method once that time has passed since the engine applied the write, and exists
   * until then. Optional: without this method, `ttl` is `unsupported`.
   */
  ttl?(request: KeysRequest): Promise<ReadAnswer<number | null | undefined>>;
  /**
   * Adds a number to an integer atomically and returns the result. The driver stores the integer as decimal text: `0`, or
   * an optional minus sign and digits without leading zeros. A missing key counts as 0. Other values and values outside 64
   * bits fail with `wrong-type`, and a result outside 64 bits with `precondition-failed`. Core repeats an increment only if
   * its effect is `none`. The key keeps its expiry. Optional: without this method, increments are `unsupported`.
   */
  increment?(request: IncrementRequest): Promise<bigint>;
  /**
   * Replaces a value atomically if it equals the expected one. The key keeps its expiry. After a lost response, core
   * repeats the request only if its fence succeeded. Optional: without this method, swaps are `unsupported`.
   */
  compareAndSwap?(request: SwapRequest): Promise<SwapResult>;
  /** Returns a page of the names of buckets that hold keys. Optional: without it, `store.buckets()` is `unsupported`. */
  listBuckets?(request: PageRequest): Promise<BucketsAnswer>;
  /**
   * Deletes some of the expired keys that still take space, in all buckets. Should take about 100 ms. Core repeats the
   * request until the answer is `done`. Optional: without this method, the engine must reclaim the space without help.
   */
  sweep?(request: DriverRequest): Promise<SweepAnswer>;
  /** Creates what the engine needs, such as a table. Must be safe to repeat and to run concurrently. Optional. */
  provision?(request: DriverRequest): Promise<void>;
  /** Reports what the driver knows about the server. Connects if necessary. Optional. */
  describe?(request: DriverRequest): Promise<DriverDescription>;
  /**
   * Changes when the driver finds that another server process has replaced one that may have acknowledged writes, for
   * example after a restart or failover. The new process may have lost these writes. So if a server acknowledged some
   * entries of a running call before the change, core reports these entries as `unknown`. Optional: without it, core
   * assumes that a server keeps what it acknowledged.
   */
  readonly generation?: number | undefined;
  /**
   * Returns whether a server that was replaced since `generation` may have held this key. Core calls this method when
   * `generation` changes during a call. Optional: without it, core assumes that the server held every key.
   */
  lostSince?(generation: number, bucket: string, key: string): boolean;
  /** Closes what the driver opened, but not a client that the caller passed. */
  close(): Promise<void>;
  /**
   * Translates an error of the engine or its client to a fault. Must not throw. Never gets a {@link FaultError}. For an
   * error that the driver does not know, return the code `internal` and the effect `unknown`.
   */
  classify(error: unknown): Fault;
}

/** What a driver knows about its server. */
export interface DriverDescription {
  /** Name of the product in lower case, such as `redis`, `valkey` or `postgresql`. Absent if it is not known. */
  readonly product?: string | undefined;
  readonly version?: string | undefined;
  /** How the server is deployed, such as `single`, `cluster` or `pooler`. Absent if it is not known. */
  readonly topology?: string | undefined;
  /** The table that holds the data. Absent if the backend has no tables. */
  readonly table?: StoreTable | undefined;
  /** Whether the driver can ensure that a write whose response was lost takes no effect later. */
  readonly settlesLostWrites: boolean;
  /** Abilities that the server or table lacks although the driver has the methods for them. */
  readonly abilities?: Partial<Abilities> | undefined;
  readonly findings?: readonly Finding[] | undefined;
}

export interface ServerAddress {
  readonly address: string;
  readonly port?: number | undefined;
}

export interface DriverLimits {
  /** Maximum length of a value, in bytes. */
  readonly maxValueBytes: number;
  readonly get: RequestLimits;
  readonly set: RequestLimits;
  /** Limits of `setIfAbsent`. Default: those of `set`. */
  readonly setIfAbsent?: RequestLimits;
  readonly delete: RequestLimits;
  /** Maximum number of requests that one call has in flight, unless the option `concurrency` changes it. */
  readonly concurrency: number;
}

/** Maximum size of one request. */
export interface RequestLimits {
  readonly maxKeys: number;
  /** Maximum sum of key bytes (UTF-8) and, for `set`, value bytes. A larger entry is sent in a separate request. */
  readonly maxBytes: number;
}

/**
 * What all requests have. Methods and accessors of a class are missing from the type of an object spread. So the compiler
 * rejects `{ ...request, keys }`, which has no signal, where a method expects a request: use {@link changeRequest}.
 */
declare abstract class DriverRequest {
  /**
   * When the attempt times out, in milliseconds on the clock of {@link now}, not of `Date.now()`. May be `Infinity`. Core
   * aborts the request at this time, so most drivers need not read it.
   */
  readonly deadline: number;
  /** Whether the request timed out, its call was cancelled, or another request of the same read failed. */
  abstract get aborted(): boolean;
  /** Fires when the request is aborted. Core creates this signal on first use. `onAbort` is faster. */
  abstract get signal(): AbortSignal;
  /** Calls `listener` once if the request is aborted after this call. Returns a function that removes the listener. */
  abstract onAbort(listener: () => void): () => void;
}

export type { DriverRequest };

export interface KeysRequest extends DriverRequest {
  readonly bucket: string;
  readonly keys: readonly string[];
}

export interface SetRequest extends KeysRequest {
  /** `values[i]` is the value of `keys[i]`. Empty if `prepareSet` encoded the values. */
  readonly values: readonly Uint8Array[];
  /** `ttls[i]` is the time to live of `keys[i]` in milliseconds, or `undefined`. Absent if no key of the request expires. */
  readonly ttls?: readonly (number | undefined)[] | undefined;
  /** What `prepareSet` returned. Absent if `prepareSet` was not called, for example by a wrapping driver without it. */
  readonly prepared?: unknown;
}

export interface IncrementRequest extends KeysRequest {
  /** The only element of `keys`. */
  readonly key: string;
  /** A signed 64-bit integer. */
  readonly delta: bigint;
  /** Time to live in milliseconds, if this request creates the key. */
  readonly ttl?: number | undefined;
}

export interface SwapRequest extends KeysRequest, Change {
  /** The only element of `keys`. */
  readonly key: string;
}

export interface PageRequest extends DriverRequest {
  /** The `cursor` of the previous page. Absent for the first page. Validate it: the caller may pass any string. */
  readonly cursor?: string | undefined;
}

export interface ListRequest extends PageRequest {
  readonly bucket: string;
  /** List only keys that start with this string. Empty for all keys. The engine must evaluate it. */
  readonly prefix: string;
}

export interface ListAnswer {
  readonly keys: readonly string[];
  /** Absent on the last page. Different from every other cursor of the same listing: `keys()` rejects if one repeats. */
  readonly cursor?: string | undefined;
}

export interface BucketsAnswer {
  /** Names of buckets that hold keys. Core removes names that it has returned before. */
  readonly buckets: readonly string[];
  /** Absent on the last page. */
  readonly cursor?: string | undefined;
}

export interface SweepAnswer {
  /** Number of expired keys that the request deleted. */
  readonly swept: number;
  /** Whether no expired key is left. */
  readonly done: boolean;
}

/** Lists the keys that did not succeed, by index in the request. All other keys succeeded. */
export interface WriteAnswer {
  /** Keys for which the engine had no capacity. It neither read nor changed them. */
  readonly unprocessed?: readonly number[] | undefined;
  readonly faults?: readonly ItemFault[] | undefined;
}

export interface ReadAnswer<Value> extends WriteAnswer {
  /** One value per key, in the request's order. Core ignores the values of unprocessed and failed keys. */
  readonly values: readonly Value[];
}

/** Why a key or a whole request failed. */
export interface Fault {
  readonly code: StoreErrorCode;
  /** Whether the same request may succeed if it is repeated. */
  readonly retryable: boolean;
  /** `none`: the write was not and will not be applied. `unknown`: it may have been applied or may be applied later. */
  readonly effect: "none" | "unknown";
  /**
   * An error code such as `OOM`, or a short fixed text. Never an error message: it may contain keys or passwords. A text
   * with a colon, such as `cluster node: use redis+cluster://`, replaces the general advice in the message of the error.
   */
  readonly reason?: string | undefined;
  /** How long the engine asks to wait before a retry, in milliseconds. Core waits longer, but at most 5,000 ms more. */
  readonly retryAfter?: number | undefined;
  /**
   * If the effect is `unknown`: ensures that the lost write can no longer take effect, such as by closing its connection on
   * the server. Rejects unless this is certain. Core calls each fence of a write once before it retries or fails, unless
   * the call is cancelled. `request` is aborted when core stops waiting, after at most 5 seconds.
   *
   * The method of the driver knows which connection it used, so it attaches the fence. To a fault of a single key, it adds
   * the field. To an error of the whole request, it adds the fence with a {@link FaultError}:
   * `throw new FaultError({ ...this.classify(error), fence })`. With the effect `none`, core ignores the fence.
   *
   * If a fence rejects, the keys stay `unsettled`. The tracing channel `manykv:fence` shows why.
   */
  readonly fence?: ((request: DriverRequest) => Promise<void>) | undefined;
}

export interface ItemFault extends Fault {
  /** Index of the key in the request. */
  readonly index: number;
}

/** The result of a write if the engine acknowledged every key. */
export const allDone: WriteAnswer = Object.freeze({});

export { changeRequest, createRequest, pickKeys } from "./call/request.js";
export { clearTimer, nextTurn, now, setTimer, type Timer } from "./clock.js";
export {
  addToInteger,
  ChunkCopier,
  FaultError,
  keyExists,
  notInteger,
  overflow,
  ValueCopier,
  waitFor,
} from "./driver-kit.js";
export { checkOptions, storeOptionNames } from "./options.js";
