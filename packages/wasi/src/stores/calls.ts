import type { SetOptions, StoreErrorCode, SwapResult } from "@manykv/core";

/**
 * The calls that components make, in the form that all shapes of the interface share. A call names its bucket by the
 * identifier that the component opened, so a call needs no state and can be sent to another thread.
 */
export interface Calls {
  get(key: string): Bytes | undefined;
  set(key: string, value: Uint8Array, options?: Pick<SetOptions, "ttl" | "ifAbsent">): undefined;
  delete(key: string): undefined;
  exists(key: string): boolean;
  listKeys(prefix?: string, cursor?: string): Page<string>;
  /** Like `listKeys`, for a shape whose cursors are numbers. */
  listKeysByNumber(cursor?: bigint): Page<bigint>;
  increment(key: string, delta: bigint): bigint;
  /** Like `increment`, for a shape whose integers have no sign. */
  incrementUnsigned(key: string, delta: bigint): bigint;
  compareAndSwap(key: string, expected: Bytes | undefined, value: Uint8Array): SwapResult;
  getMany(keys: readonly string[]): readonly (Bytes | undefined)[];
  setMany(keys: readonly string[], values: readonly Uint8Array[]): undefined;
  deleteMany(keys: readonly string[]): undefined;
}

export type Bytes = Uint8Array<ArrayBuffer>;

export interface Page<Cursor> {
  readonly keys: string[];
  readonly cursor: Cursor | undefined;
}

export type CallName = keyof Calls;

/** Why a call failed. A component may see it, so it contains no secret, no address and no value. */
export interface Failure {
  readonly code: StoreErrorCode;
  readonly message: string;
}

/** What a call returned, or why it failed. */
export type Answer<Value> = { readonly value: Value } | { readonly failure: Failure };

/** Makes a call on the bucket of an identifier. Never throws and never rejects. Returns a promise only in mode `jspi`. */
export type Call = <Name extends CallName>(
  identifier: string,
  name: Name,
  ...args: Parameters<Calls[Name]>
) => Answer<ReturnType<Calls[Name]>> | Promise<Answer<ReturnType<Calls[Name]>>>;
