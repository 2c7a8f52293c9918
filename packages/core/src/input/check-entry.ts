import { StoreError, type StoreErrorCode } from "../errors.js";
import type { Limits } from "../store.js";

/** Why an entry is rejected. The text continues a sentence that begins with the entry's index. */
export interface Rejection {
  readonly code: "invalid-argument" | "too-large" | "timeout";
  readonly text: string;
}

/** A rejected argument: nothing was sent. */
export class InputError extends StoreError {
  /** How many entries the input has, as far as it was read. */
  readonly entries: number;

  constructor(code: StoreErrorCode, message: string, entries = 0) {
    super(code, message);
    this.entries = entries;
  }
}

const notString: Rejection = { code: "invalid-argument", text: "the key is not a string" };
const illFormed: Rejection = {
  code: "invalid-argument",
  text: "the key is ill-formed: it contains a lone surrogate, which has no UTF-8 encoding",
};
const notBytes: Rejection = {
  code: "invalid-argument",
  text: "the value is not a Uint8Array, or its buffer is detached; encode text with TextEncoder",
};

/** @throws {InputError} if the key or, if there is one, the value is invalid. */
export function checkEntry(
  key: unknown,
  entry: { readonly value: unknown } | undefined,
  limits: Limits,
): void {
  const rejection = checkKey(key, limits) ?? (entry && checkValue(entry.value, limits));
  if (rejection !== undefined) throw new InputError(rejection.code, `entry 0: ${rejection.text}`, 1);
}

/** Returns why a key is rejected (rule S1), if it is. */
export function checkKey(key: unknown, limits: Limits): Rejection | undefined {
  if (typeof key !== "string") return notString;
  // Most keys are so short that they need not be measured.
  if (mostBytes(key) <= limits.maxKeyBytes) return key.isWellFormed() ? undefined : illFormed;
  // Each UTF-16 unit takes at least one byte, so a string this long need not be read.
  const bytes = key.length > limits.maxKeyBytes ? key.length : utf8Length(key);
  if (bytes < 0) return illFormed;
  if (bytes <= limits.maxKeyBytes) return undefined;
  return { code: "too-large", text: `the key is longer than ${limits.maxKeyBytes} bytes of UTF-8` };
}

/** Returns why a value is rejected (rule S2), if it is. */
export function checkValue(value: unknown, limits: Limits): Rejection | undefined {
  if (!isBytes(value)) return notBytes;
  if (value.length <= limits.maxValueBytes) return undefined;
  return {
    code: "too-large",
    text: `the value has ${value.length} bytes, the limit is ${limits.maxValueBytes}`,
  };
}

/** The most UTF-8 bytes that a string can take: three per UTF-16 unit. */
export function mostBytes(key: string): number {
  return key.length * 3;
}

/** Returns the length of a string in UTF-8 bytes, or -1 if it contains a lone surrogate. */
export function utf8Length(key: string): number {
  let bytes = key.length;
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else if (unit < 0xd800 || unit > 0xdfff) bytes += 2;
    else if (isPair(unit, key.charCodeAt(index + 1))) {
      // Two units become four bytes.
      bytes += 2;
      index++;
    } else return -1;
  }
  return bytes;
}

/** Past the end of a string `charCodeAt` returns NaN, which is not a low surrogate. */
function isPair(high: number, low: number): boolean {
  return high < 0xdc00 && low >= 0xdc00 && low <= 0xdfff;
}

const typeName = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype) as object,
  Symbol.toStringTag,
)?.get;

/** Returns whether a value is an attached `Uint8Array` (a `Buffer` is one), including one of another realm. */
function isBytes(value: unknown): value is Uint8Array {
  if (!(value instanceof Uint8Array) && typeName?.call(value) !== "Uint8Array") return false;
  return (value as Uint8Array).length > 0 || !isDetached(value as Uint8Array);
}

/** A detached array has length 0. Taken for an empty value, it would silently lose its contents. */
function isDetached(value: Uint8Array): boolean {
  try {
    new Uint8Array(value.buffer);
    return false;
  } catch {
    // The constructor rejects a detached buffer.
    return true;
  }
}
