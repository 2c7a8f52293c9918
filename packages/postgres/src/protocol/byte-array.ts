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

/** In which order the elements go out: indexes, or as they come. */
export type ElementOrder = readonly number[] | undefined;

/** A `bytea[]` of values. */
export function valueArray(values: readonly Uint8Array[], order: ElementOrder): Parameter {
  let capacity = arrayHeaderBytes + values.length * elementLengthBytes;
  for (const value of values) capacity += value.byteLength;
  return {
    capacity,
    write: (bytes, start) => {
      let offset = writeArrayHeader(bytes, start, values.length);
      for (let place = 0; place < values.length; place++) {
        const value = inOrder(values, order, place);
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

/** The element that goes out at `place`. */
export function inOrder<Element>(elements: readonly Element[], order: ElementOrder, place: number): Element {
  return elements[order === undefined ? place : (order[place] as number)] as Element;
}
