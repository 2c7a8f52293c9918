/** The values of a batch, copied when they come in, so that the caller may change its own. */
export interface ValueList {
  add(value: Uint8Array): void;
  at(index: number): Uint8Array;
}

const slabBytes = 65_536;
const firstSlabBytes = 4_096;

/**
 * Copies values into shared slabs: one allocation for many small values, and a view is made only when a value is sent.
 * A value over a quarter of a slab has memory of its own.
 */
export class PackedValues implements ValueList {
  readonly #slabs: Uint8Array[] = [];
  /** Slab number times `slabBytes` plus offset; or, below zero, the bitwise complement of an index into `#large`. */
  readonly #positions: number[] = [];
  readonly #lengths: number[] = [];
  readonly #large: Uint8Array[] = [];
  #used = 0;
  #slab: Uint8Array = new Uint8Array(0);

  add(value: Uint8Array): void {
    const length = value.byteLength;
    this.#lengths.push(length);
    if (length > slabBytes / 4) {
      this.#positions.push(~this.#large.length);
      this.#large.push(copyOf(value));
      return;
    }
    if (this.#used + length > this.#slab.byteLength) this.#openSlab(length);
    this.#slab.set(value, this.#used);
    this.#positions.push(Math.max(0, this.#slabs.length - 1) * slabBytes + this.#used);
    this.#used += length;
  }

  at(index: number): Uint8Array {
    const position = this.#positions[index] as number;
    if (position < 0) return this.#large[~position] as Uint8Array;
    const slab = this.#slabs[Math.floor(position / slabBytes)];
    if (slab === undefined) return new Uint8Array(0);
    return new Uint8Array(slab.buffer, position % slabBytes, this.#lengths[index]);
  }

  /** Slabs grow fourfold up to the full size, so that a small batch takes little. */
  #openSlab(atLeast: number): void {
    const grown = Math.min(slabBytes, Math.max(firstSlabBytes, this.#slab.byteLength * 4));
    this.#slab = new Uint8Array(Math.max(grown, Math.min(slabBytes, atLeast)));
    this.#slabs.push(this.#slab);
    this.#used = 0;
  }
}

/** Gives each value memory of its own, for a driver that keeps what it is given. */
export class SeparateValues implements ValueList {
  readonly #values: Uint8Array[] = [];

  add(value: Uint8Array): void {
    this.#values.push(copyOf(value));
  }

  at(index: number): Uint8Array {
    return this.#values[index] as Uint8Array;
  }
}

/** A plain `Uint8Array`, whatever subclass came in. */
export function copyOf(value: Uint8Array): Uint8Array {
  const copy = new Uint8Array(value.byteLength);
  copy.set(value);
  return copy;
}
