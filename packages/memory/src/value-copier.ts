/** Like Node's own pool: https://nodejs.org/api/buffer.html#class-property-bufferpoolsize */
const poolBytes = 8_192;
const longestPooled = poolBytes / 2;

/**
 * Copies the values of one answer. Small values share blocks of at most 8 KiB, because allocating an `ArrayBuffer` takes ten
 * times as long as copying 100 bytes. A value that is kept therefore keeps up to 8 KiB in memory.
 */
export class ValueCopier {
  #remaining: number;
  #block: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #offset = 0;

  /** `count` is the maximum number of values to copy. A single value gets a block of exactly its size. */
  constructor(count: number) {
    this.#remaining = count;
  }

  /** Returns a plain `Uint8Array`, whatever subclass `value` is. */
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
