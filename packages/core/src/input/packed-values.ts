interface PackedChunk {
  bytes: Uint8Array<ArrayBuffer>;
  used: number;
  readonly lengths: number[];
}

/** Copies of the values of a batch, packed into one buffer per chunk. Their arrays are created when the chunk is sent. */
export class PackedValues {
  readonly #chunks: (PackedChunk | undefined)[] = [];

  add(value: Uint8Array, startsChunk: boolean): void {
    if (startsChunk) this.#chunks.push({ bytes: new Uint8Array(0), used: 0, lengths: [] });
    const chunk = this.#chunks[this.#chunks.length - 1] as PackedChunk;
    const end = chunk.used + value.length;
    if (end > chunk.bytes.length) {
      const longer = new Uint8Array(Math.max(end, chunk.bytes.length * 2));
      longer.set(chunk.bytes.subarray(0, chunk.used));
      chunk.bytes = longer;
    }
    chunk.bytes.set(value, chunk.used);
    chunk.used = end;
    chunk.lengths.push(value.length);
  }

  /** Returns the values of a chunk and forgets them. */
  take(number: number): Uint8Array[] {
    const { bytes, lengths } = this.#chunks[number] as PackedChunk;
    this.#chunks[number] = undefined;
    let offset = 0;
    return lengths.map((length) => {
      offset += length;
      return new Uint8Array(bytes.buffer, offset - length, length);
    });
  }
}
