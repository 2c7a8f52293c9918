const slabBytes = 65_536;
const smallSlabBytes = 4_096;
/** Longer values get memory of exactly their size. */
const longestPacked = slabBytes / 4;

/** Where the values of a chunk start. */
interface Position {
  readonly index: number;
  readonly slab: number;
  readonly offset: number;
  readonly large: number;
}

/**
 * Copies of the values of a batch, packed into shared slabs: one allocation for many small values and four bytes of
 * bookkeeping each. Views are created only for the values of a chunk that is being sent.
 */
export class PackedValues {
  readonly #slabs: Uint8Array[] = [];
  readonly #large: Uint8Array[] = [];
  readonly #chunkStarts: Position[] = [];
  #lengths: Uint32Array = new Uint32Array(16);
  #count = 0;
  #slab: Uint8Array = new Uint8Array(0);
  #offset = 0;

  add(value: Uint8Array, startsChunk: boolean): void {
    if (startsChunk) {
      const slab = Math.max(0, this.#slabs.length - 1);
      this.#chunkStarts.push({ index: this.#count, slab, offset: this.#offset, large: this.#large.length });
    }
    const { length } = value;
    if (this.#count === this.#lengths.length) {
      const longer = new Uint32Array(this.#lengths.length * 2);
      longer.set(this.#lengths);
      this.#lengths = longer;
    }
    this.#lengths[this.#count++] = length;
    if (length > longestPacked) {
      this.#large.push(new Uint8Array(value));
      return;
    }
    if (this.#offset + length > this.#slab.byteLength) this.#openSlab(length);
    this.#slab.set(value, this.#offset);
    this.#offset += length;
  }

  /** Returns the first `count` values of a chunk. Repeats the steps of `add`, so no positions need to be stored. */
  valuesOf(chunk: number, count: number): Uint8Array[] {
    let { index, slab, offset, large } = this.#chunkStarts[chunk] as Position;
    const values = new Array<Uint8Array>(count);
    for (let place = 0; place < count; place++) {
      const length = this.#lengths[index++] as number;
      if (length > longestPacked) {
        values[place] = this.#large[large++] as Uint8Array;
        continue;
      }
      if (offset + length > (this.#slabs[slab]?.byteLength ?? 0)) {
        slab += 1;
        offset = 0;
      }
      values[place] = new Uint8Array((this.#slabs[slab] ?? this.#slab).buffer, offset, length);
      offset += length;
    }
    return values;
  }

  /** The first slab fits the first value exactly, because many batches have no other. Later slabs grow. */
  #openSlab(atLeast: number): void {
    const grown = this.#slabs.length === 0 ? atLeast : Math.max(smallSlabBytes, this.#slab.byteLength * 4);
    this.#slab = new Uint8Array(Math.min(slabBytes, Math.max(grown, atLeast)));
    this.#slabs.push(this.#slab);
    this.#offset = 0;
  }
}
