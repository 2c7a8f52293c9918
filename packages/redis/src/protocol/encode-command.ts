/** Encodes one command with a few arguments, such as `CLIENT KILL`. */
export function encodeCommand(...words: readonly string[]): Buffer {
  const bulks = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return Buffer.from(`*${words.length}\r\n${bulks.join("")}`);
}

/** The commands that are sent for one key. */
export type KeyCommand = "GET" | "SET" | "DEL" | "EXISTS" | "PTTL" | "INCRBY";

/** Encodes `GET` for one key, as a string, or `MGET` for several. Node.js writes a string faster than a buffer. */
export function encodeGet(prefix: string, keys: readonly string[]): Buffer | string {
  return keys.length === 1 ? encodeOne("GET", prefix, keys[0] as string) : encodeAll("MGET", prefix, keys);
}

/** Encodes one `DEL` command for all keys. */
export function encodeDelete(prefix: string, keys: readonly string[]): Buffer | string {
  return keys.length === 1 ? encodeOne("DEL", prefix, keys[0] as string) : encodeAll("DEL", prefix, keys);
}

/** Encodes one `EXISTS` command per key, because `EXISTS` for several keys returns only how many of them exist. */
export function encodeExists(prefix: string, keys: readonly string[]): Buffer | string {
  return keys.length === 1 ? encodeOne("EXISTS", prefix, keys[0] as string) : encodeEach("EXISTS", prefix, keys);
}

/** Encodes `SET` for one key or `MSET` for several. */
export function encodeSet(prefix: string, keys: readonly string[], values: readonly Uint8Array[]): Buffer {
  if (keys.length === 1) return encodeOneSet(prefix, keys[0] as string, values[0] as Uint8Array);
  return encodeKeys({ opening: `*${1 + 2 * keys.length}\r\n$4\r\nMSET\r\n`, prefix, keys, values });
}

/** Encodes `INCRBY`, as a string like `GET` for one key. */
export function encodeIncrement(prefix: string, key: string, delta: bigint): string {
  const size = prefix.length + Buffer.byteLength(key);
  const digits = String(delta);
  return `*3\r\n$6\r\nINCRBY\r\n$${size}\r\n${prefix}${key}\r\n$${digits.length}\r\n${digits}\r\n`;
}

function encodeOne(command: KeyCommand, prefix: string, key: string): string {
  const size = prefix.length + Buffer.byteLength(key);
  return `*2\r\n$${command.length}\r\n${command}\r\n$${size}\r\n${prefix}${key}\r\n`;
}

function encodeOneSet(prefix: string, key: string, value: Uint8Array): Buffer {
  const keyBytes = Buffer.byteLength(key);
  const head = `*3\r\n$3\r\nSET\r\n$${prefix.length + keyBytes}\r\n${prefix}${key}\r\n$${value.length}\r\n`;
  const headBytes = head.length - key.length + keyBytes;
  const bytes = Buffer.allocUnsafe(headBytes + value.length + 2);
  bytes.write(head, 0, headBytes === head.length ? "latin1" : "utf8");
  bytes.set(value, headBytes);
  bytes[headBytes + value.length] = carriageReturn;
  bytes[headBytes + value.length + 1] = lineFeed;
  return bytes;
}

const carriageReturn = 0x0d;
const lineFeed = 0x0a;

function encodeAll(command: "MGET" | "DEL", prefix: string, keys: readonly string[]): Buffer {
  const opening = `*${1 + keys.length}\r\n$${command.length}\r\n${command}\r\n`;
  return encodeKeys({ opening, prefix, keys });
}

/** Words of a command after its key and value, such as `PX 500`. */
export class Tail {
  readonly count: number;
  /** The words as bulk strings, each after the line end of what precedes it. */
  readonly text: string;

  constructor(...words: readonly string[]) {
    this.count = words.length;
    this.text = words.map((word) => `\r\n$${Buffer.byteLength(word)}\r\n${word}`).join("");
  }
}

const noTail = new Tail();

/** Returns the words that make each key expire, by index, and `NX` before them if `ifAbsent`. */
export function tailsOf(ttls: readonly (number | undefined)[] | undefined, ifAbsent: boolean): (index: number) => Tail {
  const condition = ifAbsent ? ["NX"] : [];
  const lasting = new Tail(...condition);
  let ttl: number | undefined;
  let expiring = lasting;
  return (index) => {
    const own = ttls?.[index];
    if (own === undefined) return lasting;
    // Neighboring keys often have the same time.
    if (own !== ttl) expiring = new Tail(...condition, "PX", String(own));
    ttl = own;
    return expiring;
  };
}

export interface EachOptions {
  /** The indexes of the keys to encode. Default: all keys. */
  readonly indexes?: readonly number[] | undefined;
  /** For `SET`: `values[i]` belongs to `keys[i]`. */
  readonly values?: readonly Uint8Array[] | undefined;
  /** Returns the words after the key and value at an index. Default: none. */
  readonly tailOf?: ((index: number) => Tail) | undefined;
  /** Whether to encode `ASKING` before each command. Each key then has two replies. Default: false. */
  readonly asking?: boolean;
}

/** Encodes one command per key. The server sends one reply per command, in the same order. */
export function encodeEach(
  command: KeyCommand,
  prefix: string,
  keys: readonly string[],
  { indexes, values, tailOf, asking = false }: EachOptions = {},
): Buffer {
  const words = values === undefined ? 2 : 3;
  const before = asking ? askingCommand : "";
  const headOf = (tail: Tail): string => `${before}*${words + tail.count}\r\n$${command.length}\r\n${command}\r\n`;
  return encodeKeys({ headOf, prefix, keys, indexes, values, tailOf });
}

const askingCommand = "*1\r\n$6\r\nASKING\r\n";

/** Encodes `MSETEX`, which sets all keys with the same time to live: https://redis.io/docs/latest/commands/msetex/ */
export function encodeExpiringSet(
  prefix: string,
  keys: readonly string[],
  values: readonly Uint8Array[],
  ttl: number,
): Buffer {
  const tail = new Tail("PX", String(ttl));
  const count = String(keys.length);
  const opening = `*${2 + 2 * keys.length + tail.count}\r\n$6\r\nMSETEX\r\n$${count.length}\r\n${count}\r\n`;
  return encodeKeys({ opening, prefix, keys, values, closing: tail });
}

/** Encodes a script that runs with one key. `asking` adds a command, so that the server sends two replies. */
export function encodeScript(
  script: string,
  name: string,
  args: readonly (string | Uint8Array)[],
  asking = false,
): Buffer {
  const words = ["EVAL", script, "1", name, ...args];
  const parts: Uint8Array[] = [Buffer.from(`${asking ? askingCommand : ""}*${words.length}`)];
  for (const word of words) {
    const bytes = typeof word === "string" ? Buffer.from(word) : word;
    parts.push(Buffer.from(`\r\n$${bytes.length}\r\n`), bytes);
  }
  return Buffer.concat([...parts, Buffer.from("\r\n")]);
}

export interface KeyedCommands {
  /** Written once, at the beginning: the head of a command that takes all keys. */
  readonly opening?: string;
  /** Written before each key: the head of a command that takes one key. Default: nothing. */
  readonly headOf?: ((tail: Tail) => string) | undefined;
  /** ASCII text that is written directly before each key, as part of the Redis name. */
  readonly prefix: string;
  readonly keys: readonly string[];
  /** The indexes of the keys to encode. Default: all keys. */
  readonly indexes?: readonly number[] | undefined;
  /** `values[i]` follows `keys[i]`. Default: no values. */
  readonly values?: readonly Uint8Array[] | undefined;
  /** Returns the words after each key and value. Default: none. */
  readonly tailOf?: ((index: number) => Tail) | undefined;
  /** Written once, at the end. Default: none. */
  readonly closing?: Tail;
}

/**
 * Encodes keys, and their values if there are any, as bulk strings:
 * https://redis.io/docs/latest/develop/reference/protocol-spec/#bulk-strings
 *
 * Builds one string and encodes it with a single call, which is four times as fast as encoding each key. The first
 * attempt assumes ASCII keys. If the encoded length differs from the expected one, a second attempt measures each key.
 */
export function encodeKeys(commands: KeyedCommands): Buffer {
  return encodeWith((key) => key.length, commands) ?? (encodeWith(Buffer.byteLength, commands) as Buffer);
}

function encodeWith(bytesOf: (key: string) => number, commands: KeyedCommands): Buffer | undefined {
  const { opening = "", headOf, prefix, keys, indexes, values, tailOf, closing = noTail } = commands;
  const count = indexes?.length ?? keys.length;
  const ends = new Uint32Array(values === undefined ? 0 : count);
  let text = opening;
  let size = opening.length;
  let keyBytes = -1;
  let keyHead = "";
  let tail = noTail;
  let valueBytes = -1;
  let valueHead = "";
  for (let each = 0; each < count; each++) {
    const index = indexes === undefined ? each : (indexes[each] as number);
    const key = keys[index] as string;
    const before = tail.text;
    const ownTail = tailOf === undefined ? noTail : tailOf(index);
    // Neighboring keys often have equal lengths, so the same head is used again.
    if (bytesOf(key) !== keyBytes || ownTail.count !== tail.count) {
      keyBytes = bytesOf(key);
      keyHead = `\r\n${headOf === undefined ? "" : headOf(ownTail)}$${prefix.length + keyBytes}\r\n${prefix}`;
    }
    tail = ownTail;
    if (values !== undefined && (values[index] as Uint8Array).length !== valueBytes) {
      valueBytes = (values[index] as Uint8Array).length;
      valueHead = `\r\n$${valueBytes}\r\n`;
    }
    // Each head and tail begins with the line end of the text or value before it.
    const start = each === 0 ? keyHead.slice(2) : before + keyHead;
    text += start + key + valueHead;
    size += start.length + keyBytes + valueHead.length;
    if (values !== undefined) ends[each] = size;
  }
  const end = `${tail.text}${closing.text}\r\n`;
  text += end;
  size += end.length;
  if (values !== undefined) return interleave(text, size, ends, values, indexes);
  const bytes = Buffer.from(text);
  return bytes.length === size ? bytes : undefined;
}

/**
 * Inserts the values into the text: value number `i` after the first `ends[i]` bytes. Encodes the text at the end of
 * the buffer, then moves it to the front piece by piece. A piece never overwrites a later piece.
 *
 * @returns `undefined` if the text does not have `size` bytes
 */
function interleave(
  text: string,
  size: number,
  ends: Uint32Array,
  values: readonly Uint8Array[],
  indexes: readonly number[] | undefined,
): Buffer | undefined {
  let room = 0;
  for (let each = 0; each < ends.length; each++) room += valueAt(each).length;
  // The buffer has room for one more character, so text that is too long fills more than `size` bytes.
  const bytes = Buffer.allocUnsafe(room + size + longestCharacter);
  if (bytes.write(text, room) !== size) return undefined;
  let position = 0;
  let from = room;
  for (let each = 0; each < ends.length; each++) {
    const to = room + (ends[each] as number);
    bytes.copyWithin(position, from, to);
    position += to - from;
    from = to;
    const value = valueAt(each);
    bytes.set(value, position);
    position += value.length;
  }
  bytes.copyWithin(position, from, room + size);
  return bytes.subarray(0, room + size);

  function valueAt(each: number): Uint8Array {
    return values[indexes === undefined ? each : (indexes[each] as number)] as Uint8Array;
  }
}

/** The length of the longest character, in bytes of UTF-8. */
const longestCharacter = 4;
