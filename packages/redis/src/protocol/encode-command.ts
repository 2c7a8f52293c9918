import { argumentOverhead, longestUtf8, writeBytes, writeKey, writeNumber } from "./write-argument.js";

const asterisk = 0x2a;

/** One command of a few arguments, such as `CLIENT KILL`. */
export function encodeCommand(...words: readonly (string | Uint8Array)[]): Buffer {
  const none = new Uint8Array(0);
  const sizes = words.map((word) => (typeof word === "string" ? longestUtf8(word) : word.length));
  const target = Buffer.allocUnsafe(
    sizes.reduce((sum, size) => sum + size + argumentOverhead, argumentOverhead),
  );
  let position = writeCount(target, 0, words.length);
  for (const word of words) {
    position =
      typeof word === "string" ? writeKey(target, position, none, word) : writeBytes(target, position, word);
  }
  return target.subarray(0, position);
}

/** `MSET` of all keys: one command, one reply. */
export function encodeMset(
  prefix: Uint8Array,
  keys: readonly string[],
  values: readonly Uint8Array[],
): Buffer {
  const target = allocate(prefix, keys, values);
  let position = writeHeader(target, 1 + 2 * keys.length, mset);
  for (let index = 0; index < keys.length; index++) {
    position = writeKey(target, position, prefix, keys[index] as string);
    position = writeBytes(target, position, values[index] as Uint8Array);
  }
  return target.subarray(0, position);
}

/** `MGET` of all keys. */
export function encodeMget(prefix: Uint8Array, keys: readonly string[]): Buffer {
  return encodeKeys(mget, prefix, keys);
}

/** `DEL` of all keys. */
export function encodeDel(prefix: Uint8Array, keys: readonly string[]): Buffer {
  return encodeKeys(del, prefix, keys);
}

const mset = Buffer.from("$4\r\nMSET\r\n");
const mget = Buffer.from("$4\r\nMGET\r\n");
const del = Buffer.from("$3\r\nDEL\r\n");

function encodeKeys(name: Uint8Array, prefix: Uint8Array, keys: readonly string[]): Buffer {
  const target = allocate(prefix, keys);
  let position = writeHeader(target, 1 + keys.length, name);
  for (let index = 0; index < keys.length; index++) {
    position = writeKey(target, position, prefix, keys[index] as string);
  }
  return target.subarray(0, position);
}

function allocate(prefix: Uint8Array, keys: readonly string[], values?: readonly Uint8Array[]): Buffer {
  const overhead = prefix.length + argumentOverhead;
  let size = 32;
  for (let index = 0; index < keys.length; index++) {
    size += overhead + longestUtf8(keys[index] as string);
    if (values !== undefined) size += (values[index] as Uint8Array).length + argumentOverhead;
  }
  return Buffer.allocUnsafe(size);
}

function writeHeader(target: Buffer, count: number, name: Uint8Array): number {
  const position = writeCount(target, 0, count);
  target.set(name, position);
  return position + name.length;
}

function writeCount(target: Buffer, position: number, count: number): number {
  target[position] = asterisk;
  return writeNumber(target, position + 1, count);
}

/** The commands of one key. */
export type KeyCommand = "GET" | "SET" | "DEL" | "EXISTS";

export interface EachOptions {
  /** Which of the keys, by index. Default: all. */
  readonly indexes?: readonly number[] | undefined;
  /** For `SET`: `values[i]` belongs to `keys[i]`. */
  readonly values?: readonly Uint8Array[] | undefined;
  /** `ASKING` before each command: two replies for each key. Default: false. */
  readonly asking?: boolean;
}

/** One command for each key, one after the other: as many replies as keys. */
export function encodeEach(
  name: KeyCommand,
  prefix: Uint8Array,
  keys: readonly string[],
  { indexes, values, asking = false }: EachOptions = {},
): Buffer {
  const count = indexes?.length ?? keys.length;
  const header = Buffer.from(
    `${asking ? "*1\r\n$6\r\nASKING\r\n" : ""}*${values === undefined ? 2 : 3}\r\n$${name.length}\r\n${name}\r\n`,
  );
  let size = count * (header.length + prefix.length + 2 * argumentOverhead);
  for (let each = 0; each < count; each++) {
    const index = indexes === undefined ? each : (indexes[each] as number);
    size += longestUtf8(keys[index] as string) + (values?.[index]?.length ?? 0);
  }
  const target = Buffer.allocUnsafe(size);
  let position = 0;
  for (let each = 0; each < count; each++) {
    const index = indexes === undefined ? each : (indexes[each] as number);
    for (let byte = 0; byte < header.length; byte++) target[position++] = header[byte] as number;
    position = writeKey(target, position, prefix, keys[index] as string);
    if (values !== undefined) position = writeBytes(target, position, values[index] as Uint8Array);
  }
  return target.subarray(0, position);
}
