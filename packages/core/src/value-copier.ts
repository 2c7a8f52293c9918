/**
 * Copies values out of memory that they only pass through, such as what came from a socket, for the caller to keep and to
 * change. For the values of one answer.
 *
 * Small ones lie side by side in chunks of memory, as small `Buffer`s of Node do: an `ArrayBuffer` of its own takes ten
 * times as long as the copy of 100 bytes. What keeps one of them keeps its chunk, 8 KiB at the most.
 */
export class ValueCopier {
  /** Values that may still come. */
  #left: number;
  #chunk: Uint8Array = new Uint8Array(0);
  #offset = 0;

  /** @param count How many values will be copied, at the most: one alone gets memory of just its size. */
  constructor(count: number) {
    this.#left = count;
  }

  /** A plain `Uint8Array`, whatever subclass `value` is. */
  copy(value: Uint8Array): Uint8Array {
    const { byteLength } = value;
    const left = this.#left--;
    if (byteLength > longestShared) return new Uint8Array(value);
    if (this.#offset + byteLength > this.#chunk.byteLength) {
      this.#chunk = new Uint8Array(Math.max(byteLength, Math.min(chunkBytes, byteLength * left)));
      this.#offset = 0;
    }
    this.#chunk.set(value, this.#offset);
    const copy = new Uint8Array(this.#chunk.buffer, this.#offset, byteLength);
    this.#offset += byteLength;
    return copy;
  }
}

/** As Node's own: https://nodejs.org/api/buffer.html#class-property-bufferpoolsize */
const chunkBytes = 8_192;
const longestShared = chunkBytes / 2;
