import { uniformOutcomes } from "./call/outcomes.js";
import { nextTurn } from "./clock.js";
import { BatchError, brandError, hasBrand, StoreError } from "./errors.js";
import type {
  Bucket,
  CallOptions,
  Entry,
  EntryOptions,
  IncrementOptions,
  KeyPage,
  Limits,
  ListOptions,
  PageOptions,
  SetOptions,
} from "./store.js";

/**
 * Converts values of a program to bytes and back. `Input` is what it encodes, and `Value` what it decodes.
 *
 * If a method throws a {@link StoreError}, the error of the call contains its message, which must not contain a part of the
 * value. manykv does not show the messages of other errors, because those of `JSON.parse`, for example, quote the value.
 */
export interface Codec<Value, Input = Value> {
  /** Returns the bytes to store. Throws if the value cannot be encoded. Must read the value before it returns a promise. */
  encode(value: Input): Uint8Array | Promise<Uint8Array>;
  /** Returns the value of stored bytes. Throws if they cannot be decoded. */
  decode(bytes: Uint8Array<ArrayBuffer>): Value | Promise<Value>;
}

/**
 * A bucket of typed values. Each method does the same as the method of {@link Bucket} with the same name.
 *
 * If a value cannot be encoded, the call sends nothing and rejects with a {@link BatchError} with the code
 * `invalid-argument`. If a stored value cannot be decoded, the call rejects with a {@link DecodeError}. The `timeout` and the
 * `signal` of a call apply to its requests, and not to the codec.
 */
export interface TypedBucket<Value, Input = Value> {
  readonly name: string;
  readonly limits: Limits;
  get(key: string, options?: CallOptions): Promise<Value | undefined>;
  set(key: string, value: Input, options?: SetOptions): Promise<void>;
  delete(key: string, options?: CallOptions): Promise<void>;
  exists(key: string, options?: CallOptions): Promise<boolean>;
  getMany(keys: Iterable<string>, options?: CallOptions): Promise<(TypedKeyValue<Value> | undefined)[]>;
  getMap(keys: Iterable<string>, options?: CallOptions): Promise<Map<string, Value>>;
  setMany(entries: Iterable<TypedEntry<Input>>, options?: SetOptions): Promise<void>;
  deleteMany(keys: Iterable<string>, options?: CallOptions): Promise<void>;
  existsMany(keys: Iterable<string>, options?: CallOptions): Promise<boolean[]>;
  ttlMany(keys: Iterable<string>, options?: CallOptions): Promise<(number | null | undefined)[]>;
  listKeys(options?: PageOptions): Promise<KeyPage>;
  keys(options?: ListOptions): AsyncIterable<string>;
  clear(options?: ListOptions): Promise<void>;
  increment(key: string, delta?: bigint | number, options?: IncrementOptions): Promise<bigint>;
  /**
   * Like `compareAndSwap` of {@link Bucket}. The current value also equals the expected one if both encode to the same bytes,
   * for example if another program stored the same JSON with spaces. The call then sends a second request, to which
   * `timeout` applies anew.
   */
  compareAndSwap(
    key: string,
    change: TypedChange<Value, Input>,
    options?: CallOptions,
  ): Promise<TypedSwapResult<Value>>;
}

export type TypedKeyValue<Value> = readonly [key: string, value: Value];
export type TypedEntry<Input> = readonly [key: string, value: Input, options?: EntryOptions];

export interface TypedChange<Value, Input = Value> {
  /** The value that the key must have, or `undefined` if the key must not exist. */
  readonly expected: Value | undefined;
  /** The new value, or `undefined` to delete the key. */
  readonly value: Input | undefined;
}

export type TypedSwapResult<Value> =
  | { readonly swapped: true }
  | { readonly swapped: false; readonly current: Value | undefined };

/** Returns a view of a bucket that encodes the values it sets and decodes the values it reads. */
export function typed<Value, Input = Value>(bucket: Bucket, codec: Codec<Value, Input>): TypedBucket<Value, Input> {
  const getMany = async (keys: Iterable<string>, options?: CallOptions) => {
    const found = await bucket.getMany(keys, options);
    const bytes = found.map((pair) => pair?.[1]);
    const values = await decodeAll(codec, "getMany", bytes);
    return found.map((pair, index) => pair && ([pair[0], values[index] as Value] as const));
  };
  return {
    name: bucket.name,
    limits: bucket.limits,
    getMany,
    get: async (key, options) => {
      const value = await bucket.get(key, options);
      return (await decodeAll(codec, "get", [value]))[0];
    },
    getMap: async (keys, options) => {
      const found = await getMany(keys, options);
      return new Map(found.filter((pair) => pair !== undefined));
    },
    set: async (key, value, options) => {
      const [encoded] = await encodeAll("set", [() => codec.encode(value)]);
      return bucket.set(key, encoded as Uint8Array, options);
    },
    setMany: async (entries, options) => {
      const given = isIterable(entries) ? readAll(entries) : [];
      const encoders = given.map((entry) => () => (Array.isArray(entry) ? codec.encode(entry[1]) : undefined));
      const values = await encodeAll("setMany", encoders);
      const encoded = given.map((entry, index) => (Array.isArray(entry) ? entry.with(1, values[index]) : entry));
      // The bucket rejects an input that is not iterable, and entries that are not pairs.
      return bucket.setMany((isIterable(entries) ? encoded : entries) as Iterable<Entry>, options);
    },
    compareAndSwap: async (key, change, options) => {
      // The bucket rejects a change that is not an object.
      if (typeof change !== "object" || change === null) return bucket.compareAndSwap(key, change, options) as never;
      const { expected, value, ...others } = change;
      const encode = async (input: Input | undefined): Promise<Uint8Array | undefined> =>
        input === undefined ? undefined : (await encodeAll("compareAndSwap", [() => codec.encode(input)]))[0];
      const [wanted, written] = await Promise.all([encode(expected as Input | undefined), encode(value)]);
      for (let bytes = wanted; ; ) {
        // The bucket rejects unknown members.
        const result = await bucket.compareAndSwap(key, { ...others, expected: bytes, value: written }, options);
        if (result.swapped) return result;
        const [current] = await decodeAll(codec, "compareAndSwap", [result.current]);
        if (current === undefined || wanted === undefined || !(await encodesTo(codec, current, wanted)))
          return { swapped: false, current };
        // Another program stored the expected value in another form. Expect the bytes of that form.
        bytes = result.current;
      }
    },
    delete: (key, options) => bucket.delete(key, options),
    deleteMany: (keys, options) => bucket.deleteMany(keys, options),
    exists: (key, options) => bucket.exists(key, options),
    existsMany: (keys, options) => bucket.existsMany(keys, options),
    ttlMany: (keys, options) => bucket.ttlMany(keys, options),
    listKeys: (options) => bucket.listKeys(options),
    keys: (options) => bucket.keys(options),
    clear: (options) => bucket.clear(options),
    increment: (key, delta, options) => bucket.increment(key, delta, options),
  };
}

/** A codec for strings, stored as UTF-8. Rejects strings with a lone surrogate, and bytes that are not UTF-8. */
export function text(): Codec<string> {
  return { encode: encodeText, decode: decodeText };
}

/**
 * A codec for values that JSON can represent, stored as JSON text in UTF-8. Like `JSON.stringify`, it stores a `Date` as a
 * string, NaN as null and a `Map` as an empty object, and omits members that are `undefined`. Does not check that a stored
 * value has the type `Value`: use {@link schema} if other programs write to the bucket.
 */
export function json<Value>(): Codec<Value> {
  return { encode: encodeJson, decode: (bytes) => parseJson(bytes) as Value };
}

/** The part of Standard Schema 1 that manykv uses. zod, valibot and arktype implement it: https://standardschema.dev */
export interface StandardSchema<Input = unknown, Value = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly validate: (value: unknown) => ValidationResult<Value> | Promise<ValidationResult<Value>>;
    readonly types?: { readonly input: Input; readonly output: Value } | undefined;
  };
}

export type ValidationResult<Value> =
  | { readonly value: Value; readonly issues?: undefined }
  | { readonly issues: readonly unknown[] };

/**
 * A codec for values that fit a schema, stored as JSON text in UTF-8. Checks a value before it is set and after it is read.
 * The schema receives parsed JSON, so a date must be a string in it. A read returns the output of the schema, with its
 * defaults and transformations. manykv stores the input. `compareAndSwap` encodes the expected value, so it rejects an output
 * that the schema does not accept as input.
 */
export function schema<Input, Value>(standardSchema: StandardSchema<Input, Value>): Codec<Value, Input> {
  const { validate } = standardSchema["~standard"];
  const decode = async (bytes: Uint8Array): Promise<Value> => {
    const result = await validate(parseJson(bytes));
    // The messages of the issues may contain the value.
    if (result.issues !== undefined) throw unfit("the value does not fit the schema");
    return result.value;
  };
  const check = async (bytes: Uint8Array): Promise<Uint8Array> => {
    await decode(bytes);
    return bytes;
  };
  return { encode: (value) => check(encodeJson(value)), decode };
}

/** The error of a read if stored values cannot be decoded. Its code is `wrong-type`. */
export class DecodeError extends StoreError {
  /** Indexes of the keys in the caller's input whose values cannot be decoded, in ascending order. */
  readonly indexes: readonly number[];
  readonly #values: readonly unknown[];

  constructor(message: string, indexes: readonly number[], values: readonly unknown[]) {
    super("wrong-type", message);
    this.indexes = indexes;
    this.#values = values;
    brandError(this, "DecodeError", brand);
  }

  /** Returns whether `error` is a `DecodeError`, including one from another copy of this package. */
  static override is(error: unknown): error is DecodeError {
    return hasBrand(error, brand);
  }

  /** Returns one value per key of the caller's input: `undefined` for a missing key and for the keys at `indexes`. */
  values(): readonly unknown[] {
    return this.#values;
  }
}

const brand: unique symbol = /* @__PURE__ */ Symbol.for("@manykv/core/DecodeError");

/** Calls all encoders, then waits for their results. Throws the error of a write if one of them fails. */
async function encodeAll(
  operation: string,
  encoders: readonly (() => Uint8Array | Promise<Uint8Array> | undefined)[],
): Promise<(Uint8Array | undefined)[]> {
  const results = await Promise.allSettled(encoders.map(async (encode) => encode()));
  const failed = results.findIndex(({ status }) => status === "rejected");
  if (failed < 0) return results.map((result) => (result as PromiseFulfilledResult<Uint8Array | undefined>).value);
  throw rejected(
    operation,
    results.length,
    `entry ${failed}: ${problemOf(results[failed], "the value cannot be encoded")}`,
  );
}

/** What is decoded in one turn of the event loop, so that a large batch does not block it: 10 ms of `JSON.parse`. */
const perTurn = { values: 1_000, bytes: 1_048_576 };

async function decodeAll<Value>(
  codec: Pick<Codec<Value>, "decode">,
  operation: string,
  found: readonly (Uint8Array<ArrayBuffer> | undefined)[],
): Promise<(Value | undefined)[]> {
  const results: PromiseSettledResult<Value | undefined>[] = [];
  while (results.length < found.length) {
    if (results.length > 0) await nextTurn();
    let end = results.length;
    for (let size = 0; end < results.length + perTurn.values && size < perTurn.bytes; end++)
      size += found[end]?.length ?? 0;
    const part = found.slice(results.length, end);
    results.push(...(await Promise.allSettled(part.map(async (bytes) => bytes && codec.decode(bytes)))));
  }
  const values = results.map((result) => (result.status === "fulfilled" ? result.value : undefined));
  const failed = [...results.keys()].filter((index) => results[index]?.status === "rejected");
  const [first] = failed;
  if (first === undefined) return values;
  const problem = problemOf(results[first], "the stored value cannot be decoded");
  throw new DecodeError(`${operation}: entry ${first}: ${problem}`, failed, values);
}

/** Returns the message of a `StoreError` that a codec threw, or `otherwise`. */
function problemOf(result: PromiseSettledResult<unknown> | undefined, otherwise: string): string {
  const reason: unknown = result?.status === "rejected" ? result.reason : undefined;
  return StoreError.is(reason) ? reason.message : otherwise;
}

/** Returns whether a decoded value has the encoding `bytes`. */
async function encodesTo<Input>(codec: Pick<Codec<never, Input>, "encode">, value: unknown, bytes: Uint8Array) {
  try {
    const encoded = await codec.encode(value as Input);
    return encoded.length === bytes.length && encoded.every((byte, index) => byte === bytes[index]);
  } catch {
    return false; // The schema transforms values, so its output is not a valid input.
  }
}

/** Returns the entries of an iterable. Throws the error of a write if the iterable throws. */
function readAll<Element>(entries: Iterable<Element>): Element[] {
  const read: Element[] = [];
  try {
    for (const entry of entries) read.push(entry);
  } catch {
    throw rejected("setMany", read.length, "the iterable threw an error: correct its iterator");
  }
  return read;
}

/** Returns the error of a write that sends nothing. */
function rejected(operation: string, size: number, problem: string): BatchError {
  const outcomes = uniformOutcomes(size, "not-applied", { code: "invalid-argument" });
  return new BatchError("invalid-argument", `${operation}: ${problem}`, outcomes);
}

function isIterable(input: unknown): boolean {
  return typeof input === "object" && input !== null && Symbol.iterator in input;
}

function encodeText(value: unknown): Uint8Array {
  if (typeof value === "string" && value.isWellFormed()) return new TextEncoder().encode(value);
  throw unfit("the value is not a string without lone surrogates");
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw unfit("the value is not UTF-8");
  }
}

function encodeJson(value: unknown): Uint8Array {
  let encoded: string | undefined;
  try {
    encoded = JSON.stringify(value);
  } catch {
    // The value has a cycle or a bigint, or its `toJSON` throws an error.
  }
  if (encoded === undefined) throw unfit("JSON cannot represent the value");
  return new TextEncoder().encode(encoded);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decodeText(bytes));
  } catch {
    throw unfit("the value is not JSON");
  }
}

function unfit(message: string): StoreError {
  return new StoreError("wrong-type", message);
}
