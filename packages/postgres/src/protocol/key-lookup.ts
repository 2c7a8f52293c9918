import { arrayHeaderBytes, elementLengthBytes } from "./byte-array.js";
import { keyArray } from "./key-array.js";
import type { Parameter } from "./parameter.js";

const nothing = Buffer.alloc(0);

/**
 * A `bytea[]` of keys, each behind the prefix of its bucket, that tells of a key in the answer which one it is.
 *
 * By the bytes of the request, in a table of four bytes a slot: strings made of the answer's keys and looked up in a
 * `Map` took longer than all else that the client does for a row.
 */
export class KeyLookup implements Parameter {
  readonly capacity: number;
  readonly #array: Parameter;
  /** Where each key begins in `#bytes`; it ends where the length of the next one begins. */
  readonly #starts: Uint32Array;
  /** A key's place plus one; 0 is free. */
  readonly #slots: Int32Array;
  /** New for each batch, so that nobody can choose keys that collide. */
  readonly #seed: number = (Math.random() * 2 ** 32) | 0;
  #bytes: Buffer = nothing;

  /** @param keys Without duplicates. */
  constructor(prefix: string, keys: readonly string[]) {
    this.#array = keyArray(prefix, keys, undefined);
    this.capacity = this.#array.capacity;
    this.#starts = new Uint32Array(keys.length + 1);
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(keys.length * 2)));
  }

  write(bytes: Buffer, start: number): number {
    this.#bytes = bytes;
    const end = this.#array.write(bytes, start);
    const last = this.#starts.length - 1;
    let from = start + arrayHeaderBytes + elementLengthBytes;
    for (let place = 0; place < last; place++) {
      this.#starts[place] = from;
      const keyEnd = from + bytes.readInt32BE(from - elementLengthBytes);
      this.#enter(place, from, keyEnd);
      from = keyEnd + elementLengthBytes;
    }
    this.#starts[last] = from;
    return end;
  }

  /** The place of a key, prefix included, among the keys; -1 where it is none of them. It lies in `bytes`. */
  placeOf(bytes: Uint8Array, from: number, end: number): number {
    const mask = this.#slots.length - 1;
    let slot = this.#hash(bytes, from, end) & mask;
    for (;;) {
      const place = (this.#slots[slot] as number) - 1;
      if (place < 0 || this.#equals(place, bytes, from, end)) return place;
      slot = (slot + 1) & mask;
    }
  }

  #enter(place: number, from: number, end: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.#hash(this.#bytes, from, end) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = place + 1;
  }

  #equals(place: number, bytes: Uint8Array, from: number, end: number): boolean {
    const start = this.#starts[place] as number;
    if ((this.#starts[place + 1] as number) - elementLengthBytes - start !== end - from) return false;
    for (let offset = from; offset < end; offset++) {
      if (this.#bytes[start + offset - from] !== bytes[offset]) return false;
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
