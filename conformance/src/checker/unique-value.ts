/** The number of the write that a value belongs to, or `torn` if no write wrote exactly this value. */
export type Identified = number | "torn";

/** Smallest size of a unique value, in bytes: three numbers of 4 bytes. */
export const leastValueBytes = 12;

const fillPrime = 0x01000193;

/**
 * Returns a value that belongs to one write: the number of the write, the length and a checksum, then bytes derived
 * from the number. `identify` reads the number of the write from such a value and detects changes to the value. A
 * `size` below 12 counts as 12 bytes.
 */
export function uniqueValue(write: number, size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.max(size, leastValueBytes));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, write);
  view.setUint32(4, bytes.length);
  view.setUint32(8, checksum(write, bytes.length));
  fill(bytes, write);
  return bytes;
}

/** Returns the number of the write that a value belongs to, or `torn` if the value was changed or truncated. */
export function identify(bytes: Uint8Array): Identified {
  if (bytes.length < leastValueBytes) return "torn";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const write = view.getUint32(0);
  const whole = view.getUint32(4) === bytes.length && view.getUint32(8) === checksum(write, bytes.length);
  return whole && isFilled(bytes, write) ? write : "torn";
}

function checksum(write: number, length: number): number {
  return (Math.imul(write ^ 0x5bd1e995, fillPrime) ^ Math.imul(length, 0x85ebca6b)) >>> 0;
}

function fill(bytes: Uint8Array, write: number): void {
  let state = firstState(write);
  for (let index = leastValueBytes; index < bytes.length; index++) {
    state = next(state);
    bytes[index] = state >>> 24;
  }
}

function isFilled(bytes: Uint8Array, write: number): boolean {
  let state = firstState(write);
  for (let index = leastValueBytes; index < bytes.length; index++) {
    state = next(state);
    if (bytes[index] !== state >>> 24) return false;
  }
  return true;
}

/** Returns the first state for a write. Consecutive numbers have distant states, so that their filled bytes differ. */
function firstState(write: number): number {
  return Math.imul(write, 0x9e3779b1) >>> 0;
}

/**
 * Returns the next state of a linear congruential generator. The callers use only the upper 8 bits of a state, because
 * the lowest bits repeat after a few states.
 */
function next(state: number): number {
  return (Math.imul(state, 1664525) + 1013904223) >>> 0;
}
