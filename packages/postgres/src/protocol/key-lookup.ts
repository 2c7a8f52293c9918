/** Before each element of an array is its length. */
export const elementLengthBytes = 4;

/**
 * Finds the keys of a reply among those of its request.
 *
 * It compares the bytes of both, with a hash table of four bytes a slot. Decoding each key of the reply to look it up in a
 * `Map` took longer than everything else that the client does for a row.
 */
export class KeyLookup {
  readonly #bytes: Buffer;
  /** Where each key begins in `#bytes`. It ends where the length of the next one begins. */
  readonly #starts: Uint32Array;
  /** Each slot contains a key's index plus one; 0 is free. */
  readonly #slots: Int32Array;
  /** Differs from batch to batch, so that chosen keys cannot collide on purpose. */
  readonly #seed: number = (Math.random() * 2 ** 32) | 0;

  /**
   * @param bytes - the request
   * @param start - where the elements of its array begin: `count` different keys
   */
  constructor(bytes: Buffer, start: number, count: number) {
    this.#bytes = bytes;
    this.#starts = new Uint32Array(count + 1);
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(count * 2)));
    const mask = this.#slots.length - 1;
    let from = start + elementLengthBytes;
    for (let index = 0; index < count; index++) {
      this.#starts[index] = from;
      const end = from + bytes.readInt32BE(from - elementLengthBytes);
      let slot = this.#hash(bytes, from, end) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = index + 1;
      from = end + elementLengthBytes;
    }
    this.#starts[count] = from;
  }

  /** Returns the index of the key between `from` and `end` of `reply`, or -1 if the request did not contain it. */
  indexOf(reply: Uint8Array, from: number, end: number): number {
    const mask = this.#slots.length - 1;
    let slot = this.#hash(reply, from, end) & mask;
    for (;;) {
      const index = (this.#slots[slot] as number) - 1;
      if (index < 0 || this.#equals(index, reply, from, end)) return index;
      slot = (slot + 1) & mask;
    }
  }

  #equals(index: number, reply: Uint8Array, from: number, end: number): boolean {
    const start = this.#starts[index] as number;
    if ((this.#starts[index + 1] as number) - elementLengthBytes - start !== end - from) return false;
    for (let offset = from; offset < end; offset++) {
      if (this.#bytes[start + offset - from] !== reply[offset]) return false;
    }
    return true;
  }

  /** FNV-1a with the finalizer of MurmurHash3, so that the low bits depend on all bytes. */
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
