/** Length of the field before each element of an array, in bytes. The field contains the length of the element. */
export const elementLengthBytes = 4;

/**
 * Finds the keys of a reply in its request.
 *
 * Compares bytes and uses a hash table of four bytes per slot. Decoding each key of the reply and searching for it in a
 * `Map` would take longer than all other work of the client for a row.
 */
export class KeyLookup {
  readonly #bytes: Buffer;
  /** Offset of each key in `#bytes`. A key ends where the length field of the next one begins. */
  readonly #starts: Uint32Array;
  /** Each slot contains the index of a key plus one, or 0 if the slot is free. */
  readonly #slots: Int32Array;
  /** Differs for each batch, so that an attacker cannot choose keys that collide. */
  readonly #seed: number = (Math.random() * 2 ** 32) | 0;

  /**
   * @param bytes - the request
   * @param start - the offset of the elements of an array in the request. The elements are `count` different keys
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

  /** Returns the FNV-1a hash with the finalizer of MurmurHash3, so that the low bits depend on all bytes. */
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
