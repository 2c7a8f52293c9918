import type { StoreErrorCode } from "./errors.js";

/**
 * What a backend implements. A driver sends one request to its engine and reports what happened to each key. Core does
 * the rest: validation, order, duplicates, chunking, concurrency, retries, deadlines, outcomes and errors.
 *
 * A driver can rely on this:
 * - A request has at least 1 key and at most as many as `limits` allows. All keys differ, are well-formed, and have at most
 *   1,024 bytes of UTF-8.
 * - Values have at most `maxValueBytes` bytes and do not change until the request settles. To keep them, copy them.
 * - A bucket name matches `[A-Za-z0-9_.-]{1,64}`.
 * - Core calls `close()` once, when no request is in flight, and nothing after it.
 *
 * Core relies on this:
 * - One request in, one answer out: no retry loop, no chunk loop. The driver lists keys that the engine left undone in
 *   `unprocessed` or `faults`, and core repeats only those.
 * - The engine acknowledged every written key that neither of them lists.
 * - A request rejects only if all of it failed in the same way.
 * - When a request is aborted, the driver answers immediately, with `unknown` for what it cannot know. Core waits 100 ms.
 * - Reads see every write that was acknowledged before.
 * - Two keys are the same key only if their strings are equal. No bucket and key name another bucket's key.
 * - Returned values do not overlap with each other or with memory that the driver keeps.
 */
export interface Driver {
  /** Short name of the engine, for messages and tracing events: `redis`. */
  readonly name: string;
  /** Address of the server, for tracing events. */
  readonly server?: ServerAddress | undefined;
  /** Frozen. */
  readonly limits: DriverLimits;
  get(request: KeysRequest): Promise<ReadAnswer<Uint8Array<ArrayBuffer> | undefined>>;
  set(request: SetRequest): Promise<WriteAnswer>;
  /**
   * Optional, only for a driver whose `set` acknowledges all keys or rejects. Encodes a set before the caller may change its
   * values, which saves a copy. Sends nothing. Each attempt of `set` receives the result as `request.prepared`.
   */
  prepareSet?(bucket: string, keys: readonly string[], values: readonly Uint8Array[]): unknown;
  /** A missing key counts as done. */
  delete(request: KeysRequest): Promise<WriteAnswer>;
  /** Optional. Without it, core reads the values. */
  exists?(request: KeysRequest): Promise<ReadAnswer<boolean>>;
  list(request: ListRequest): Promise<ListAnswer>;
  /** Optional. Creates what the engine needs, such as a table. Safe to repeat and to run concurrently. */
  provision?(request: DriverRequest): Promise<void>;
  /** Releases what the driver opened. A client that the caller passed stays open. */
  close(): Promise<void>;
  /** Translates an error of the engine or its client. Must not throw. Core handles {@link FaultError} itself. */
  classify(error: unknown): Fault;
}

export interface ServerAddress {
  readonly address: string;
  readonly port?: number | undefined;
}

export interface DriverLimits {
  /** Longest value, in bytes. */
  readonly maxValueBytes: number;
  readonly get: RequestLimits;
  readonly set: RequestLimits;
  readonly delete: RequestLimits;
  /** How many requests of one call may be in flight at the same time. */
  readonly concurrency: number;
}

/** How much fits into one request. */
export interface RequestLimits {
  readonly maxKeys: number;
  /** Sum of key bytes (UTF-8) and, for `set`, value bytes. A larger single entry still gets a request. */
  readonly maxBytes: number;
}

export interface DriverRequest {
  /** When this attempt's time is over, in milliseconds on the clock of `performance.now()`. May be `Infinity`. */
  readonly deadline: number;
  /** Whether the attempt's time is over or the caller cancelled. */
  readonly aborted: boolean;
  /** The same as an `AbortSignal`. Core creates it on first use; `onAbort` is cheaper. */
  readonly signal: AbortSignal;
  /** Calls `listener` once when the request is aborted. Returns a function that removes it. */
  onAbort(listener: () => void): () => void;
}

export interface KeysRequest extends DriverRequest {
  readonly bucket: string;
  readonly keys: readonly string[];
}

export interface SetRequest extends KeysRequest {
  /** `values[i]` belongs to `keys[i]`. Empty if the set was prepared. */
  readonly values: readonly Uint8Array[];
  /** What `prepareSet` returned. Absent if the request comes from a wrapper without `prepareSet`. */
  readonly prepared?: unknown;
}

export interface ListRequest extends DriverRequest {
  readonly bucket: string;
  /** What the driver returned with the previous page; absent for the first. Untrusted input. */
  readonly cursor?: string | undefined;
}

export interface ListAnswer {
  readonly keys: readonly string[];
  /** Absent on the last page. */
  readonly cursor?: string | undefined;
}

/** The keys that were not done, by their index in the request. */
export interface WriteAnswer {
  /** The engine had no capacity for these. Nothing happened to them. */
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
  /** Whether the same request may succeed if repeated. */
  readonly retryable: boolean;
  /** `none`: the write was not applied and never will be. `unknown`: it may have been, or may be later. */
  readonly effect: "none" | "unknown";
  /** The engine's own code, such as `OOM`, `42501` or `ECONNREFUSED`. Never its text, which may contain keys or passwords. */
  readonly reason?: string | undefined;
  /**
   * For `unknown`: ensures that the lost request can no longer take effect, for example by closing its connection on the
   * server. Core calls it before it repeats the write or gives up, once even if several faults share it.
   */
  readonly fence?: ((request: DriverRequest) => Promise<void>) | undefined;
}

export interface ItemFault extends Fault {
  /** Index of the key in the request. */
  readonly index: number;
}

/** The answer to a write if the engine acknowledged every key. */
export const allDone: WriteAnswer = Object.freeze({});

export { createRequest } from "./call/attempt.js";
export { ChunkCopier, FaultError, waitFor } from "./driver-kit.js";
export { checkOptions } from "./options.js";
