import assert from "node:assert/strict";

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

/**
 * Asserts that two values are equal. On failure, reports only the first difference, because values can be megabytes
 * long.
 */
export function sameBytes(actual: Uint8Array | undefined, expected: Uint8Array, what = "the value"): void {
  assert.ok(actual !== undefined, `${what} must exist, but is missing`);
  assert.equal(
    actual.byteLength,
    expected.byteLength,
    `the length of ${what}, in bytes, must be ${expected.byteLength}, but is ${actual.byteLength}`,
  );
  if (Buffer.compare(viewOf(actual), viewOf(expected)) === 0) return;
  const index = actual.findIndex((byte, place) => byte !== expected[place]);
  assert.fail(`${what} must be the expected value, but differs at byte ${index} of ${expected.byteLength}`);
}

function viewOf(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
