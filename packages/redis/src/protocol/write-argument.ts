const dollar = 0x24;
const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const zero = 0x30;
const lastAscii = 0x7f;

/** Up to this many characters a loop is faster than a call into the runtime. */
const longestLoop = 64;

/** What `$`, a length of up to 10 digits and two line ends take at most. */
export const argumentOverhead = 15;

/** The most bytes that a key takes in UTF-8. */
export function longestUtf8(key: string): number {
  return key.length * 3;
}

/**
 * Writes `number` and a line end. Gives the position after them, as all functions here do. Most lengths have up to three
 * digits.
 */
export function writeNumber(target: Buffer, position: number, number: number): number {
  let at = position;
  let rest = number;
  if (rest >= 1000) {
    const thousands = Math.floor(rest / 1000);
    at = writeLargeNumber(target, at, thousands);
    rest -= thousands * 1000;
  }
  if (number >= 100) {
    const hundreds = (rest / 100) | 0;
    target[at++] = zero + hundreds;
    rest -= hundreds * 100;
  }
  if (number >= 10) {
    const tens = (rest / 10) | 0;
    target[at++] = zero + tens;
    rest -= tens * 10;
  }
  target[at] = zero + rest;
  return writeLineEnd(target, at + 1);
}

function writeLargeNumber(target: Buffer, position: number, number: number): number {
  let divisor = 1;
  while (divisor * 10 <= number) divisor *= 10;
  let at = position;
  for (let rest = number; divisor >= 1; divisor = Math.floor(divisor / 10)) {
    const digit = Math.floor(rest / divisor);
    target[at++] = zero + digit;
    rest -= digit * divisor;
  }
  return at;
}

/** Writes a bulk string of bytes: https://redis.io/docs/latest/develop/reference/protocol-spec/#bulk-strings */
export function writeBytes(target: Buffer, position: number, bytes: Uint8Array): number {
  const start = writeLength(target, position, bytes.length);
  if (bytes.length > longestLoop) target.set(bytes, start);
  else for (let index = 0; index < bytes.length; index++) target[start + index] = bytes[index] as number;
  return writeLineEnd(target, start + bytes.length);
}

/** Writes `prefix` and `key` as one bulk string. */
export function writeKey(target: Buffer, position: number, prefix: Uint8Array, key: string): number {
  if (key.length > longestLoop) return writeAnyKey(target, position, prefix, key);
  let at = writeLength(target, position, prefix.length + key.length);
  for (let index = 0; index < prefix.length; index++) target[at++] = prefix[index] as number;
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index);
    if (unit > lastAscii) return writeAnyKey(target, position, prefix, key);
    target[at++] = unit;
  }
  return writeLineEnd(target, at);
}

function writeAnyKey(target: Buffer, position: number, prefix: Uint8Array, key: string): number {
  const start = writeLength(target, position, prefix.length + Buffer.byteLength(key));
  target.set(prefix, start);
  const written = target.write(key, start + prefix.length);
  return writeLineEnd(target, start + prefix.length + written);
}

function writeLength(target: Buffer, position: number, length: number): number {
  target[position] = dollar;
  return writeNumber(target, position + 1, length);
}

function writeLineEnd(target: Buffer, position: number): number {
  target[position] = carriageReturn;
  target[position + 1] = lineFeed;
  return position + 2;
}
