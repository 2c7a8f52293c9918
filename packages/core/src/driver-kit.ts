import type { DriverRequest, Fault } from "./driver.js";
import { brandError, hasBrand } from "./errors.js";

const brand: unique symbol = Symbol.for("@manykv/core/FaultError");

/**
 * An error that a driver throws to report a fault of the whole request. Core uses the fault as is, without calling
 * `classify`. To make sure that a lost write takes no effect later, throw the classified fault with a fence:
 * `throw new FaultError({ ...this.classify(error), fence }, "the write was lost", { cause: error })`.
 */
export class FaultError extends Error {
  readonly fault: Fault;

  /** `cause` is the error of the engine or its client. Core ignores it, and the conformance suite shows it. */
  constructor(fault: Fault, message: string = fault.reason ?? fault.code, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.fault = fault;
    brandError(this, "FaultError", brand);
  }

  /** Returns whether `error` is a `FaultError`, including one from another copy of this package. */
  static is(error: unknown): error is FaultError {
    return hasBrand(error, brand);
  }
}

const waitedTooLong: Fault = /* @__PURE__ */ Object.freeze({ code: "timeout", retryable: true, effect: "none" });

/**
 * Waits for a step that comes before the request, such as connecting. Stops waiting when the request is aborted.
 *
 * @throws {FaultError} `timeout` with effect `none` if the request is aborted first.
 */
export function waitFor<Result>(request: DriverRequest, promise: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(new FaultError(waitedTooLong));
    if (request.aborted) giveUp();
    const stopListening = request.onAbort(giveUp);
    promise.finally(stopListening).then(resolve, reject);
  });
}

/** The fault of keys for which the engine had no capacity. */
export const unprocessed: Fault = Object.freeze({ code: "throttled", retryable: true, effect: "none" });

const canonicalInteger = /^(0|-?[1-9][0-9]{0,18})$/;

/**
 * Adds `delta` to an integer in decimal text, as `increment` must. A missing value counts as 0.
 *
 * @throws {FaultError} `wrong-type` if the value is not a signed 64-bit integer in canonical form; `precondition-failed` if
 * the result does not fit in 64 bits.
 */
export function addToInteger(stored: Uint8Array | undefined, delta: bigint): bigint {
  const text = stored === undefined ? "0" : String.fromCharCode(...stored.subarray(0, 21));
  const integer = canonicalInteger.test(text) ? BigInt(text) : undefined;
  if (integer === undefined || integer !== BigInt.asIntN(64, integer)) throw new FaultError(notInteger);
  const sum = integer + delta;
  if (sum === BigInt.asIntN(64, sum)) return sum;
  throw new FaultError(overflow);
}

/** The fault of an increment if the value is not an integer. */
export const notInteger: Fault = /* @__PURE__ */ Object.freeze({
  code: "wrong-type",
  retryable: false,
  effect: "none",
  reason: "the value is not a 64-bit integer in decimal text: set it to one first",
});

/** The fault of an increment if the result does not fit in 64 bits. */
export const overflow: Fault = /* @__PURE__ */ Object.freeze({
  code: "precondition-failed",
  retryable: false,
  effect: "none",
  reason: "the result does not fit in 64 bits: use a smaller delta",
});

/** The fault for an existing key in the answer of `setIfAbsent`. */
export const keyExists: Fault = /* @__PURE__ */ Object.freeze({
  code: "precondition-failed",
  retryable: false,
  effect: "none",
  reason: "the key exists: read it, or set it without `ifAbsent`",
});

/**
 * Maximum size of a buffer that values share, in bytes, as in Node.js:
 * https://nodejs.org/api/buffer.html#class-property-bufferpoolsize
 */
const poolBytes = 8_192;
const longestPooled = poolBytes / 2;

/**
 * Copies values. Small values share blocks of at most 8 KiB, because allocating an `ArrayBuffer` takes ten times as long
 * as copying 100 bytes. While one of these values is in use, its block stays in memory.
 */
export class ValueCopier {
  #remaining: number;
  #block: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #offset = 0;

  /** `count` is the number of values to copy, or more. A single value gets a block of exactly its size. */
  constructor(count: number) {
    this.#remaining = count;
  }

  /** Returns a copy that is a plain `Uint8Array`, even if `value` is a subclass that overrides its length. */
  copy(value: Uint8Array, length: number = value.length): Uint8Array<ArrayBuffer> {
    const remaining = this.#remaining--;
    if (length > longestPooled) return new Uint8Array(value);
    if (this.#offset + length > this.#block.length) {
      this.#block = new Uint8Array(Math.max(length, Math.min(poolBytes, length * remaining)));
      this.#offset = 0;
    }
    this.#block.set(value, this.#offset);
    const copy = new Uint8Array(this.#block.buffer, this.#offset, length);
    this.#offset += length;
    return copy;
  }
}

/**
 * Like {@link ValueCopier}, for values that are parts of one chunk, such as data from a socket. Copies
 * neighboring small values, and the bytes between them, in one step.
 */
export class ChunkCopier {
  readonly #chunk: Uint8Array;
  /** A copy of the chunk's bytes from `#from` to `#to`. */
  #copy: ArrayBuffer | undefined;
  #from = 0;
  #to = 0;

  constructor(chunk: Uint8Array) {
    this.#chunk = chunk;
  }

  /** Returns a copy of the bytes from `from` to `to` (exclusive). Ranges must not overlap: copies would share bytes. */
  copy(from: number, to: number): Uint8Array<ArrayBuffer> {
    if (this.#copy === undefined || to > this.#to || from < this.#from) {
      if (to - from > longestPooled) return new Uint8Array(this.#chunk.subarray(from, to));
      this.#from = from;
      this.#to = Math.min(from + poolBytes, this.#chunk.length);
      this.#copy = new Uint8Array(this.#chunk.subarray(from, this.#to)).buffer;
    }
    return new Uint8Array(this.#copy, from - this.#from, to - from);
  }
}
