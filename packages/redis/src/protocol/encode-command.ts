import { encodeKeys } from "./encode-keys.js";

/** One command of a few arguments, such as `CLIENT KILL`. */
export function encodeCommand(...words: readonly (string | Uint8Array)[]): Buffer {
  const parts: Uint8Array[] = [Buffer.from(`*${words.length}\r\n`)];
  for (const word of words) {
    const bytes = typeof word === "string" ? Buffer.from(word) : word;
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, lineEnd);
  }
  return Buffer.concat(parts);
}

const lineEnd = Buffer.from("\r\n");

/** `MSET` of all keys: one command, one reply. */
export function encodeMset(prefix: string, keys: readonly string[], values: readonly Uint8Array[]): Buffer {
  return encodeKeys({ opening: `*${1 + 2 * keys.length}\r\n$4\r\nMSET\r\n`, prefix, keys, values });
}

/** `MGET` of all keys. */
export function encodeMget(prefix: string, keys: readonly string[]): Buffer {
  return encodeKeys({ opening: `*${1 + keys.length}\r\n$4\r\nMGET\r\n`, prefix, keys });
}

/** `DEL` of all keys. */
export function encodeDel(prefix: string, keys: readonly string[]): Buffer {
  return encodeKeys({ opening: `*${1 + keys.length}\r\n$3\r\nDEL\r\n`, prefix, keys });
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
  prefix: string,
  keys: readonly string[],
  { indexes, values, asking = false }: EachOptions = {},
): Buffer {
  const words = values === undefined ? 2 : 3;
  const head = `${asking ? "*1\r\n$6\r\nASKING\r\n" : ""}*${words}\r\n$${name.length}\r\n${name}\r\n`;
  return encodeKeys({ head, prefix, keys, indexes, values });
}
