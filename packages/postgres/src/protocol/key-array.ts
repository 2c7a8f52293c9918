import {
  arrayHeaderBytes,
  type ElementOrder,
  elementLengthBytes,
  inOrder,
  writeArrayHeader,
} from "./byte-array.js";
import type { Parameter } from "./parameter.js";

/** A UTF-16 unit becomes three bytes of UTF-8 at the most. */
const bytesPerUnit = 3;
/** Up to this length the four bytes of an element's length are characters of ASCII. */
const longestAsText = 127;

/** A `bytea[]` of keys, each behind the prefix of its bucket, which is ASCII. */
export function keyArray(prefix: string, keys: readonly string[], order: ElementOrder): Parameter {
  let capacity = arrayHeaderBytes + keys.length * (elementLengthBytes + prefix.length);
  for (const key of keys) capacity += key.length * bytesPerUnit;
  return {
    capacity,
    write: (bytes, start) => {
      const offset = writeArrayHeader(bytes, start, keys.length);
      return (
        writeTogether(bytes, offset, prefix, keys, order) ?? writeEach(bytes, offset, prefix, keys, order)
      );
    },
  };
}

/**
 * Short keys of ASCII, as most are, become one string with their lengths between them, which is encoded in one call. That
 * takes half the time of writing key by key. A size that turns out wrong tells that there are other characters.
 */
function writeTogether(
  bytes: Buffer,
  start: number,
  prefix: string,
  keys: readonly string[],
  order: ElementOrder,
): number | undefined {
  let text = "";
  let size = 0;
  let headFor = -1;
  let head = "";
  for (let place = 0; place < keys.length; place++) {
    const key = inOrder(keys, order, place);
    // Neighbours mostly have the same length, and so the same head.
    if (key.length !== headFor) {
      const length = prefix.length + key.length;
      if (length > longestAsText) return undefined;
      headFor = key.length;
      head = `\0\0\0${String.fromCharCode(length)}${prefix}`;
    }
    text += head + key;
    size += head.length + key.length;
  }
  return bytes.write(text, start) === size ? start + size : undefined;
}

function writeEach(
  bytes: Buffer,
  start: number,
  prefix: string,
  keys: readonly string[],
  order: ElementOrder,
): number {
  let offset = start;
  for (let place = 0; place < keys.length; place++) {
    const written = bytes.write(prefix + inOrder(keys, order, place), offset + elementLengthBytes);
    offset = bytes.writeInt32BE(written, offset) + written;
  }
  return offset;
}
