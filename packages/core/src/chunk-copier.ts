/**
 * Copies values out of one chunk of what came from a socket, for the caller to keep and to change.
 *
 * As `ValueCopier`, with less to do for each value: small ones that stand one behind the other are copied together,
 * with what stands between them, so that one of them costs no more than the array that it is. What keeps one keeps the
 * others that were copied with it, 8 KiB at the most.
 */
export class ChunkCopier {
  readonly #chunk: Uint8Array;
  /** A copy of the chunk's bytes from `#from` to `#to`. */
  #copy: ArrayBuffer | undefined;
  #from = 0;
  #to = 0;

  constructor(chunk: Uint8Array) {
    this.#chunk = chunk;
  }

  /** The chunk's bytes from `from` to `to`. Never the same bytes twice, so that no two values overlap. */
  copy(from: number, to: number): Uint8Array {
    if (this.#copy === undefined || to > this.#to) {
      if (to - from > longestShared) return new Uint8Array(this.#chunk.subarray(from, to));
      this.#from = from;
      this.#to = Math.min(from + copiedTogether, this.#chunk.length);
      this.#copy = new Uint8Array(this.#chunk.subarray(from, this.#to)).buffer;
    }
    return new Uint8Array(this.#copy, from - this.#from, to - from);
  }
}

/** In bytes. */
const copiedTogether = 8_192;
const longestShared = copiedTogether / 2;
