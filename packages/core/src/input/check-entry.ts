import type { Limits } from "../limits.js";
import type { Refusal } from "./input-error.js";
import { isBytes } from "./is-bytes.js";
import { highestBytes, measureKey } from "./measure-key.js";

const notString: Refusal = { code: "invalid-argument", text: "the key is not a string" };
const illFormed: Refusal = {
  code: "invalid-argument",
  text: "the key is not a well-formed string: it holds a lone surrogate, which has no UTF-8 form",
};
const notBytes: Refusal = {
  code: "invalid-argument",
  text: "the value is not a Uint8Array with its memory attached; encode text with TextEncoder",
};

/** Why a key is refused (rule S1), if it is. */
export function checkKey(key: unknown, limits: Limits): Refusal | undefined {
  if (typeof key !== "string") return notString;
  // Most keys are so short that they need not be measured.
  if (highestBytes(key) <= limits.maxKeyBytes) return key.isWellFormed() ? undefined : illFormed;
  // A unit of UTF-16 takes a byte at least, so a string this long need not be read.
  const bytes = key.length > limits.maxKeyBytes ? key.length : measureKey(key);
  if (bytes < 0) return illFormed;
  if (bytes <= limits.maxKeyBytes) return undefined;
  return { code: "too-large", text: `the key is longer than ${limits.maxKeyBytes} bytes of UTF-8` };
}

/** Why a value is refused (rule S2), if it is. */
export function checkValue(value: unknown, limits: Limits): Refusal | undefined {
  if (!isBytes(value)) return notBytes;
  if (value.length <= limits.maxValueBytes) return undefined;
  return {
    code: "too-large",
    text: `the value has ${value.length} bytes, the limit is ${limits.maxValueBytes}`,
  };
}
