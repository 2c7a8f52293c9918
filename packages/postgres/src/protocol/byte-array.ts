import { type Parameter, writeBytes } from "./parameter.js";

/**
 * Arrays as the server takes them in binary form: number of dimensions, a flag for nulls, the element's type, then
 * length and lower bound of the one dimension; then each element behind its length.
 * https://github.com/postgres/postgres/blob/REL_18_0/src/backend/utils/adt/arrayfuncs.c (`array_recv`)
 */
export const arrayHeaderBytes = 20;
/** Before each element stands its length. */
export const elementLengthBytes = 4;
const byteaType = 17;
/** A UTF-16 unit becomes three bytes of UTF-8 at the most. */
export const bytesPerUnit = 3;

/** In which order the elements go out: indexes, or as they come. */
export type ElementOrder = readonly number[] | undefined;

/** A `bytea[]` of keys, each behind the prefix of its bucket. */
export function keyArray(prefix: Uint8Array, keys: readonly string[], order: ElementOrder): Parameter {
  let capacity = arrayHeaderBytes + keys.length * (elementLengthBytes + prefix.byteLength);
  for (const key of keys) capacity += key.length * bytesPerUnit;
  return {
    capacity,
    write: (bytes, start) => {
      let offset = writeArrayHeader(bytes, start, keys.length);
      for (let place = 0; place < keys.length; place++) {
        const key = keys[order === undefined ? place : (order[place] as number)] as string;
        const from = offset + elementLengthBytes;
        const end = writeKey(bytes, writeBytes(bytes, from, prefix), key);
        bytes.writeInt32BE(end - from, offset);
        offset = end;
      }
      return offset;
    },
  };
}

/** A `bytea[]` of values. */
export function valueArray(values: readonly Uint8Array[], order: ElementOrder): Parameter {
  let capacity = arrayHeaderBytes + values.length * elementLengthBytes;
  for (const value of values) capacity += value.byteLength;
  return {
    capacity,
    write: (bytes, start) => {
      let offset = writeArrayHeader(bytes, start, values.length);
      for (let place = 0; place < values.length; place++) {
        const value = values[order === undefined ? place : (order[place] as number)] as Uint8Array;
        offset = writeBytes(bytes, bytes.writeInt32BE(value.byteLength, offset), value);
      }
      return offset;
    },
  };
}

export function writeArrayHeader(bytes: Buffer, start: number, length: number): number {
  let offset = bytes.writeInt32BE(1, start);
  offset = bytes.writeInt32BE(0, offset);
  offset = bytes.writeInt32BE(byteaType, offset);
  offset = bytes.writeInt32BE(length, offset);
  return bytes.writeInt32BE(1, offset);
}

/** A short key of ASCII is written faster by this loop than by a call into Node. */
export function writeKey(bytes: Buffer, start: number, key: string): number {
  const { length } = key;
  if (length > 64) return start + bytes.write(key, start);
  for (let index = 0; index < length; index++) {
    const unit = key.charCodeAt(index);
    if (unit > 0x7f) return start + bytes.write(key, start);
    bytes[start + index] = unit;
  }
  return start + length;
}
