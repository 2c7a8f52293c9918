import type { RequestLimits } from "../driver.js";
import { highestBytes, measureKey } from "./measure-key.js";
import type { ValueList } from "./value-list.js";

/** A checked batch: its keys by place in the caller's input, and how it is cut into requests. */
export interface Batch {
  readonly keys: readonly string[];
  /** The place where each request begins; the first is 0. Empty for an empty batch. */
  readonly cuts: readonly number[];
  /** For each place the place that stands for its key; absent where all keys differ. */
  readonly representatives: Int32Array | undefined;
  /** The values of a `setMany`, in the order of its places. */
  readonly values: ValueList | undefined;
}

/**
 * Cuts a batch into requests while it is read. What a key takes in UTF-8 is measured only where the highest that it can
 * take, three bytes for each unit of UTF-16, would end a request: most batches never get there.
 */
export class Cutter {
  readonly cuts: number[] = [];
  readonly #limits: RequestLimits;
  readonly #keys: readonly string[];
  /** Keys in the request. */
  #count = 0;
  /** At most so many bytes are in the request. */
  #bytes = 0;
  /** The first place that counts with its highest, not yet measured. */
  #unmeasured = 0;

  /** `keys` grows while the batch is read. */
  constructor(limits: RequestLimits, keys: readonly string[]) {
    this.#limits = limits;
    this.#keys = keys;
  }

  /** Takes the key at `place`, with a value of `valueBytes`. Gives whether it begins a request. */
  add(place: number, valueBytes: number): boolean {
    const highest = highestBytes(this.#keys[place] as string) + valueBytes;
    this.#count++;
    this.#bytes += highest;
    if (place > 0 && this.#count <= this.#limits.maxKeys && this.#fits(place)) return false;
    this.cuts.push(place);
    this.#count = 1;
    this.#bytes = highest;
    this.#unmeasured = place;
    return true;
  }

  #fits(place: number): boolean {
    const { maxBytes } = this.#limits;
    while (this.#bytes > maxBytes && this.#unmeasured <= place) {
      const key = this.#keys[this.#unmeasured++] as string;
      this.#bytes += measureKey(key) - highestBytes(key);
    }
    return this.#bytes <= maxBytes;
  }
}
