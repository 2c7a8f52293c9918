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

function invalid(text: string): Rejection {
  return { code: "invalid-argument", text };
}

const notString = invalid("the key is not a string");
const illFormed = invalid("the key is ill-formed: it contains a lone surrogate, which has no UTF-8 encoding");
const notBytes = invalid(
  "the value is not a Uint8Array, or its buffer is detached; encode text with TextEncoder",
);

/** Returns why a key is rejected (rule S1), if it is. */
export function checkKey(key: unknown, { maxKeyBytes }: Limits): Rejection | undefined {
  if (typeof key !== "string") return notString;
  // Each UTF-16 unit takes one to three bytes, so few keys have to be measured.
  if (key.length <= maxKeyBytes) {
    if (!key.isWellFormed()) return illFormed;
    if (key.length * 3 <= maxKeyBytes || utf8Length(key) <= maxKeyBytes) return undefined;
  }
  return { code: "too-large", text: `the key is longer than ${maxKeyBytes} bytes of UTF-8` };
}

/** Returns why a value is rejected (rule S2), if it is. */
export function checkValue(value: unknown, { maxValueBytes }: Limits): Rejection | undefined {
  if (!isBytes(value)) return notBytes;
  if (value.length <= maxValueBytes) return undefined;
  return { code: "too-large", text: `the value has ${value.length} bytes, the limit is ${maxValueBytes}` };
}

/** Returns the length of a well-formed string in UTF-8 bytes. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    // Each half of a surrogate pair counts two bytes.
    if (unit >= 0x80) bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}

const typeName = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype) as object,
  Symbol.toStringTag,
)?.get;

/** Returns whether a value is an attached `Uint8Array` (a `Buffer` is one), including one of another realm. */
function isBytes(value: unknown): value is Uint8Array {
  if (!(value instanceof Uint8Array) && typeName?.call(value) !== "Uint8Array") return false;
  if ((value as Uint8Array).length > 0) return true;
  try {
    // A detached array has length 0. Taken for an empty value, it would silently lose its contents.
    new Uint8Array((value as Uint8Array).buffer);
    return true;
  } catch {
    return false;
  }
}
