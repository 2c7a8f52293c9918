import type { Limits } from "./limits.js";
import type { StoreErrorCode } from "./store-error.js";

/**
 * What a backend implements. A driver turns one request into its engine's request and back, and says for each key
 * what became of it. Everything else is core's: checking, order, duplicates, cutting batches, concurrency, retries,
 * deadlines, outcomes, errors.
 *
 * What a driver can rely on. Core calls it
 * - with 1 to `limits` keys, all different, each well-formed and within `maxKeyBytes`;
 * - with values within `maxValueBytes`, whose bytes stay as they are until the answer and, after an answer that asks
 *   for a retry, until the last retry; never after that, so a driver that keeps bytes copies them or says `keepsValues`;
 * - for any bucket name that matches `[A-Za-z0-9_.-]{1,64}`;
 * - never after `close()`, and `close()` only once, when no request is in flight.
 *
 * What core relies on.
 * - A driver has no loop that retries and none that cuts: one request in, one answer out. What the engine left
 *   undone it names in `unprocessed` or `faults`, and core repeats just those.
 * - A write that no fault and no `unprocessed` names was acknowledged by the engine. Never acknowledge early.
 * - A request rejects (or throws) only when the whole of it failed in one way; core then asks `classify`. Where part
 *   of it is known, the driver answers with faults for the rest.
 * - When `request.signal` fires, the driver answers at once with what it knows, `unknown` for the rest. Core waits for
 *   100 ms at the most.
 * - Reads are strongly consistent: they see every write that was acknowledged before.
 * - Two keys are the same key only if their strings are equal, and no bucket and key name another bucket's key.
 * - Values that a driver returns overlap neither with each other nor with anything that the driver keeps, so that each is
 *   the caller's to change; `ValueCopier` makes such copies fast, and `ChunkCopier` those of what came in one piece.
 */
export interface Driver {
  /** Short name of the engine, as it stands in messages and tracing events: `redis`. */
  readonly name: string;
  /** Frozen. */
  readonly limits: DriverLimits;
  /**
   * For a driver that keeps the arrays of `SetRequest.values` beyond its answer, as one does that lives in memory: core
   * then gives each value memory of its own, never to be touched again. Default `false`.
   */
  readonly keepsValues?: boolean;
  get(request: KeysRequest): Promise<ReadAnswer<Uint8Array | undefined>>;
  set(request: SetRequest): Promise<WriteAnswer>;
  /**
   * Puts a set into the form in which it is sent, and sends nothing. Optional: a driver that copies each value into a
   * message spares core a copy of its own. It comes back as `SetRequest.prepared`. Values that the caller may change as
   * soon as this returns: what the driver needs of them is copied by then.
   */
  prepareSet?(bucket: string, keys: readonly string[], values: readonly Uint8Array[]): PreparedSet;
  /** Deletes keys. A key that is not there counts as done. */
  delete(request: KeysRequest): Promise<WriteAnswer>;
  /** Whether keys have a value. Optional: without it core reads the values. */
  exists?(request: KeysRequest): Promise<ReadAnswer<boolean>>;
  list(request: ListRequest): Promise<ListAnswer>;
  /** Creates what the engine needs, such as a table. Optional; safe to repeat and to run concurrently. */
  provision?(request: DriverRequest): Promise<void>;
  /** Releases what the driver itself opened. A client that the caller passed in stays open. */
  close(): Promise<void>;
  /** The engine's error in manykv's terms: one table for each driver. Must not throw. */
  classify(error: unknown): Fault;
}

/** The limits of one value, one key and one request. */
export interface DriverLimits extends Limits {
  /** How many keys and bytes one request takes. Core cuts batches to it. */
  readonly get: RequestLimits;
  readonly set: RequestLimits;
  readonly delete: RequestLimits;
  /** Requests of one call that may be in flight together. */
  readonly concurrency: number;
}

export interface RequestLimits {
  readonly maxKeys: number;
  /**
   * Sum of key bytes (UTF-8) and, for `set`, value bytes in one request. A single entry above it still makes a
   * request of its own.
   */
  readonly maxBytes: number;
}

/** What every request carries. */
export interface DriverRequest {
  /**
   * Fires when this attempt's time is over or the caller cancelled. Created when first read, so read it once; `onAbort`
   * and `isAborted` tell the same without it.
   */
  readonly signal: AbortSignal;
  /** When this attempt's time is over, on the clock of `performance.now()`, in milliseconds; may be `Infinity`. */
  readonly deadline: number;
}

export interface KeysRequest extends DriverRequest {
  readonly bucket: string;
  readonly keys: readonly string[];
}

export interface SetRequest extends KeysRequest {
  /** `values[i]` belongs to `keys[i]`. */
  readonly values: readonly Uint8Array[];
  /**
   * What `prepareSet` gave. It stands for this request only where its `keys` are the request's: a driver that wraps
   * another may have passed on other keys.
   */
  readonly prepared?: PreparedSet | undefined;
}

/** A set in the form in which a driver sends it, with values of its own. */
export interface PreparedSet {
  /** The very array that it was made of. */
  readonly keys: readonly string[];
  /** The value of `keys[index]`, for a request that repeats some of the keys. */
  valueAt(index: number): Uint8Array;
}

export interface ListRequest extends DriverRequest {
  readonly bucket: string;
  /** What the driver gave with the page before; absent for the first page. Text from outside: check it. */
  readonly cursor?: string;
}

export interface ListAnswer {
  readonly keys: readonly string[];
  /** Absent on the last page. */
  readonly cursor?: string;
}

export interface ReadAnswer<Value> extends Incomplete {
  /** One place for each key of the request, in its order. Places of unprocessed and faulty keys are ignored. */
  readonly values: readonly Value[];
}

export interface WriteAnswer extends Incomplete {}

/** The keys of a request that were not done, by their index in the request. All others were. */
export interface Incomplete {
  /** Indexes of the keys that the engine left out for want of capacity. Nothing happened to them; core repeats them. */
  readonly unprocessed?: readonly number[] | undefined;
  readonly faults?: readonly ItemFault[] | undefined;
}

/** Why a key, or a whole request, was not done, and what may have happened to it. */
export interface Fault {
  readonly code: StoreErrorCode;
  /** Whether the same request may succeed when repeated. Never for what the engine refuses for good. */
  readonly retryable: boolean;
  /**
   * What a write may have done. `none`: it has not been applied and never will be, as it was not sent, or the engine
   * refused it or rolled it back. `unknown`: it may have been applied or may yet be. Ignored for reads.
   */
  readonly effect: "none" | "unknown";
  /**
   * The engine's own code, such as `OOM`, `42501` or `ECONNREFUSED`; it ends up in messages. Never the engine's text,
   * which may hold keys, values or passwords.
   */
  readonly reason?: string | undefined;
  /**
   * For `unknown` where the engine allows it: makes sure that the lost request cannot take effect any more, for example
   * by ending the server's side of that connection. Core calls it once before it repeats the write or gives up. Several
   * faults of one answer may share one function.
   */
  readonly fence?: ((request: DriverRequest) => Promise<void>) | undefined;
}

export interface ItemFault extends Fault {
  /** Index of the key in the request. */
  readonly index: number;
}

/** The answer of a write whose every key was acknowledged. */
export const allDone: WriteAnswer = Object.freeze({});
