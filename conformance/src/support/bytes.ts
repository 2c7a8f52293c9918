import assert from "node:assert/strict";
import { showBytes } from "./show.js";

/** Returns the UTF-8 bytes of a string. */
export function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Returns `size` bytes that depend on `mark`, so that a mixture of two values can be detected. */
export function pattern(size: number, mark = 1): Uint8Array<ArrayBuffer> {
  const value = new Uint8Array(size);
  const step = Math.min(size, 4096);
  for (let index = 0; index < step; index++) value[index] = (index * 31 + mark * 17 + (index >> 8)) & 0xff;
  for (let filled = step; filled < size; filled *= 2) value.copyWithin(filled, 0, Math.min(filled, size - filled));
  return value;
}

/** Asserts that two values are equal. On failure, reports the first difference, because values can be megabytes long. */
export function sameBytes(actual: Uint8Array | undefined, expected: Uint8Array, what = "the value"): void {
  assert.ok(actual !== undefined, `${what} must be ${showBytes(expected)}, but is missing`);
  if (Buffer.compare(viewOf(actual), viewOf(expected)) === 0) return;
  const index = expected.findIndex((byte, place) => byte !== actual[place]);
  const place = index === -1 ? expected.byteLength : index;
  const near = (value: Uint8Array): string =>
    place < value.byteLength
      ? `${viewOf(value)
          .subarray(place, place + 8)
          .toString("hex")}`
      : "the end";
  assert.fail(
    `${what} must be ${showBytes(expected)}, but is ${showBytes(actual)}: from byte ${place}, expected ${near(expected)}, actual ${near(actual)}`,
  );
}

function viewOf(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
