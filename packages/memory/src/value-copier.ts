/** Largest shared block, in bytes, as in Node.js: https://nodejs.org/api/buffer.html#class-property-bufferpoolsize */
const poolBytes = 8_192;
const longestPooled = poolBytes / 2;

/**
 * Copies the values of one response. Small values share blocks of at most 8 KiB, because allocating an `ArrayBuffer`
 * takes ten times as long as copying 100 bytes. While one of these values is in use, its block stays in memory.
 */
export class ValueCopier {
  #remaining: number;
  #block: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #offset = 0;

  /** `count` is the maximum number of values to copy. A single value gets a block of exactly its size. */
  constructor(count: number) {
    this.#remaining = count;
  }

  /** Returns a copy that is a plain `Uint8Array`, even if `value` is a subclass, such as a `Buffer`. */
  copy(value: Uint8Array): Uint8Array<ArrayBuffer> {
    const { byteLength } = value;
    const remaining = this.#remaining--;
    if (byteLength > longestPooled) return new Uint8Array(value);
    if (this.#offset + byteLength > this.#block.byteLength) {
      this.#block = new Uint8Array(Math.max(byteLength, Math.min(poolBytes, byteLength * remaining)));
      this.#offset = 0;
    }
    this.#block.set(value, this.#offset);
    const copy = new Uint8Array(this.#block.buffer, this.#offset, byteLength);
    this.#offset += byteLength;
    return copy;
  }
}
