/** Commands about keys, as they go over the wire. */
export interface KeyedCommands {
  /** Stands once before everything: the head of a command that takes all keys. */
  readonly opening?: string;
  /** Stands before each key: the head of a command that takes one. */
  readonly head?: string;
  /** Stands before each key within its name. ASCII. */
  readonly prefix: string;
  readonly keys: readonly string[];
  /** Which of the keys, by index. Default: all. */
  readonly indexes?: readonly number[] | undefined;
  /** `values[i]` follows `keys[i]`. Default: no values. */
  readonly values?: readonly Uint8Array[] | undefined;
}

/**
 * Keys, and values behind them, as bulk strings: https://redis.io/docs/latest/develop/reference/protocol-spec/#bulk-strings
 *
 * All that is text becomes one string that is encoded in one call: four times as fast as writing key by key. It is
 * first taken to be ASCII, as most keys are; a length that turns out wrong tells that it is not.
 */
export function encodeKeys(commands: KeyedCommands): Buffer {
  return encodeWith((key) => key.length, commands) ?? (encodeWith(Buffer.byteLength, commands) as Buffer);
}

function encodeWith(bytesOf: (key: string) => number, commands: KeyedCommands): Buffer | undefined {
  const { opening = "", head = "", prefix, keys, indexes, values } = commands;
  const count = indexes?.length ?? keys.length;
  const ends = new Uint32Array(values === undefined ? 0 : count);
  let text = opening;
  let size = opening.length;
  let keyBytes = -1;
  let keyHead = "";
  let valueBytes = -1;
  let valueHead = "";
  for (let each = 0; each < count; each++) {
    const index = indexes === undefined ? each : (indexes[each] as number);
    const key = keys[index] as string;
    // Neighbours mostly have the same lengths, and so the same heads.
    if (bytesOf(key) !== keyBytes) {
      keyBytes = bytesOf(key);
      keyHead = `\r\n${head}$${prefix.length + keyBytes}\r\n${prefix}`;
    }
    if (values !== undefined && (values[index] as Uint8Array).length !== valueBytes) {
      valueBytes = (values[index] as Uint8Array).length;
      valueHead = `\r\n$${valueBytes}\r\n`;
    }
    // The line end after a key or a value stands at the beginning of what follows.
    const before = each === 0 ? keyHead.slice(2) : keyHead;
    text += before + key + valueHead;
    size += before.length + keyBytes + valueHead.length;
    if (values !== undefined) ends[each] = size;
  }
  text += "\r\n";
  size += 2;
  if (values === undefined) {
    const bytes = Buffer.from(text);
    return bytes.length === size ? bytes : undefined;
  }
  return interleave(text, size, ends, values, indexes);
}

/**
 * Puts each value behind the text that ends where it begins. The text is encoded at the end of the memory, with room for
 * all values before it, and then moved forward piece by piece: nothing that is still to be moved is ever overwritten.
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
  // Text that is longer than it was taken to be is cut, but never in the middle of a character.
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

/** In UTF-8. */
const longestCharacter = 4;
