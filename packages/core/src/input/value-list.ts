/** The values of a batch, copied before the caller may change its own. */
export interface ValueList {
  /** The next value begins a request. */
  mark(): void;
  add(value: Uint8Array): void;
  /** The first `count` values of a request, by the request's number. */
  valuesOf(request: number, count: number): Uint8Array[];
  /** The caller may change its own values from now on: the first requests have theirs. */
  release?(): void;
}

const slabBytes = 65_536;
const smallSlabBytes = 4_096;
/** A longer value has memory of its own. */
const longestPacked = slabBytes / 4;

/** Where the values of a request begin. */
interface Mark {
  readonly place: number;
  readonly slab: number;
  readonly offset: number;
  readonly large: number;
}

/**
 * Copies values into shared slabs, one behind the other: one allocation for many small values, four bytes of accounting
 * for each, and views are made only for the values of a request that is being sent.
 */
export class PackedValues implements ValueList {
  readonly #slabs: Uint8Array[] = [];
  readonly #large: Uint8Array[] = [];
  readonly #marks: Mark[] = [];
  #lengths: Uint32Array = new Uint32Array(16);
  #count = 0;
  #slab: Uint8Array = new Uint8Array(0);
  #offset = 0;

  mark(): void {
    const slab = Math.max(0, this.#slabs.length - 1);
    this.#marks.push({ place: this.#count, slab, offset: this.#offset, large: this.#large.length });
  }

  add(value: Uint8Array): void {
    const length = value.length;
    if (this.#count === this.#lengths.length) this.#lengths = doubled(this.#lengths);
    this.#lengths[this.#count++] = length;
    if (length > longestPacked) {
      this.#large.push(copyOf(value));
      return;
    }
    if (this.#offset + length > this.#slab.byteLength) this.#openSlab(length);
    this.#slab.set(value, this.#offset);
    this.#offset += length;
  }

  /** Takes the same steps as `add` took, so that no position needs to be kept. */
  valuesOf(request: number, count: number): Uint8Array[] {
    let { place, slab, offset, large } = this.#marks[request] as Mark;
    const values = new Array<Uint8Array>(count);
    for (let index = 0; index < count; index++) {
      const length = this.#lengths[place++] as number;
      if (length > longestPacked) {
        values[index] = this.#large[large++] as Uint8Array;
        continue;
      }
      if (offset + length > (this.#slabs[slab]?.byteLength ?? 0)) {
        slab += 1;
        offset = 0;
      }
      values[index] = new Uint8Array((this.#slabs[slab] ?? this.#slab).buffer, offset, length);
      offset += length;
    }
    return values;
  }

  /** The first slab is of the first value alone, since many a batch has no other; then they grow to the full size. */
  #openSlab(atLeast: number): void {
    const grown = this.#slabs.length === 0 ? atLeast : Math.max(smallSlabBytes, this.#slab.byteLength * 4);
    this.#slab = new Uint8Array(Math.min(slabBytes, Math.max(grown, atLeast)));
    this.#slabs.push(this.#slab);
    this.#offset = 0;
  }
}

/** The values as they are. */
class ListedValues implements ValueList {
  readonly #values: Uint8Array[] = [];
  readonly #starts: number[] = [];

  mark(): void {
    this.#starts.push(this.#values.length);
  }

  add(value: Uint8Array): void {
    this.#values.push(value);
  }

  valuesOf(request: number, count: number): Uint8Array[] {
    const start = this.#starts[request] as number;
    return this.#values.slice(start, start + count);
  }
}

/** Gives each value memory of its own, for a driver that keeps what it is given. */
export class SeparateValues extends ListedValues {
  override add(value: Uint8Array): void {
    super.add(copyOf(value));
  }
}

/**
 * For a driver that prepares its requests: of the first of them, which are made before the caller may change its values,
 * the caller's own values, as what they hold needs no other copy. Those of later requests are packed.
 */
export class BorrowedValues implements ValueList {
  readonly #requests: number;
  #borrowed: ListedValues = new ListedValues();
  #packed: PackedValues | undefined;
  #marks = 0;

  /** @param requests - of which so many are the first */
  constructor(requests: number) {
    this.#requests = requests;
  }

  mark(): void {
    if (this.#marks++ === this.#requests) this.#packed = new PackedValues();
    this.#current.mark();
  }

  add(value: Uint8Array): void {
    this.#current.add(value);
  }

  valuesOf(request: number, count: number): Uint8Array[] {
    if (request < this.#requests) return this.#borrowed.valuesOf(request, count);
    return this.#current.valuesOf(request - this.#requests, count);
  }

  release(): void {
    this.#borrowed = new ListedValues();
  }

  /** Where the next value goes. */
  get #current(): ValueList {
    return this.#packed ?? this.#borrowed;
  }
}

/** A plain `Uint8Array`, whatever subclass came in. */
export function copyOf(value: Uint8Array): Uint8Array {
  const copy = new Uint8Array(value.length);
  copy.set(value);
  return copy;
}

function doubled(lengths: Uint32Array): Uint32Array {
  const longer = new Uint32Array(lengths.length * 2);
  longer.set(lengths);
  return longer;
}
