import {
  arrayHeaderBytes,
  bytesPerUnit,
  elementLengthBytes,
  writeArrayHeader,
  writeKey,
} from "./byte-array.js";
import { type Parameter, writeBytes } from "./parameter.js";

const nothing = Buffer.alloc(0);

/**
 * A `bytea[]` of keys, each behind the prefix of its bucket, that tells of a key in the answer which one it is.
 *
 * By the bytes of the request, in a table of four bytes a slot that is filled while they are written: strings made of the
 * answer's keys and looked up in a `Map` took longer than all else that the client does for a row.
 */
export class KeyLookup implements Parameter {
  readonly capacity: number;
  readonly #prefix: Uint8Array;
  readonly #keys: readonly string[];
  /** Where each key begins in `#bytes`; it ends where the length of the next one begins. */
  readonly #starts: Uint32Array;
  /** A key's place plus one; 0 is free. */
  readonly #slots: Int32Array;
  /** New for each batch, so that nobody can choose keys that collide. */
  readonly #seed: number = (Math.random() * 2 ** 32) | 0;
  #bytes: Buffer = nothing;

  /** @param keys Without duplicates. */
  constructor(prefix: Uint8Array, keys: readonly string[]) {
    let capacity = arrayHeaderBytes + keys.length * (elementLengthBytes + prefix.byteLength);
    for (const key of keys) capacity += key.length * bytesPerUnit;
    this.capacity = capacity;
    this.#prefix = prefix;
    this.#keys = keys;
    this.#starts = new Uint32Array(keys.length + 1);
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(keys.length * 2)));
  }

  write(bytes: Buffer, start: number): number {
    this.#bytes = bytes;
    let offset = writeArrayHeader(bytes, start, this.#keys.length);
    for (let place = 0; place < this.#keys.length; place++) {
      const from = offset + elementLengthBytes;
      const end = writeKey(bytes, writeBytes(bytes, from, this.#prefix), this.#keys[place] as string);
      bytes.writeInt32BE(end - from, offset);
      this.#starts[place] = from;
      this.#enter(place, from, end);
      offset = end;
    }
    this.#starts[this.#keys.length] = offset + elementLengthBytes;
    return offset;
  }

  /** The place of a key, prefix included, among the keys; -1 where it is none of them. */
  placeOf(key: Uint8Array): number {
    const mask = this.#slots.length - 1;
    let slot = this.#hash(key, 0, key.length) & mask;
    for (;;) {
      const place = (this.#slots[slot] as number) - 1;
      if (place < 0 || this.#equals(place, key)) return place;
      slot = (slot + 1) & mask;
    }
  }

  #enter(place: number, from: number, end: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.#hash(this.#bytes, from, end) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = place + 1;
  }

  #equals(place: number, key: Uint8Array): boolean {
    const from = this.#starts[place] as number;
    if ((this.#starts[place + 1] as number) - elementLengthBytes - from !== key.length) return false;
    for (let index = 0; index < key.length; index++) {
      if (this.#bytes[from + index] !== key[index]) return false;
    }
    return true;
  }

  /** FNV-1a, and the finalizer of MurmurHash3 so that low bits depend on all. */
  #hash(bytes: Uint8Array, from: number, end: number): number {
    let state = this.#seed;
    for (let index = from; index < end; index++) {
      state = Math.imul(state ^ (bytes[index] as number), 0x01000193);
    }
    state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
    return state ^ (state >>> 16);
  }
}
