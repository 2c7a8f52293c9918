import type { RequestLimits } from "../driver.js";
import type { ValueList } from "./value-list.js";

/** A checked batch: its keys by place in the caller's input, and how it is cut into requests. */
export interface Batch {
  readonly keys: readonly string[];
  /** The place where each request begins; the first is 0. Empty for an empty batch. */
  readonly cuts: readonly number[];
  /** For each place the place that stands for its key; absent where all keys differ. */
  readonly representatives: Int32Array | undefined;
  /** The values of a `setMany`, by place. */
  readonly values: ValueList | undefined;
}

/** Cuts a batch into requests while it is read, so that no second pass is needed. */
export class Cutter {
  readonly cuts: number[] = [];
  readonly #limits: RequestLimits;
  #keys = 0;
  #bytes = 0;

  constructor(limits: RequestLimits) {
    this.#limits = limits;
  }

  add(place: number, bytes: number): void {
    this.#keys++;
    this.#bytes += bytes;
    if (place > 0 && this.#keys <= this.#limits.maxKeys && this.#bytes <= this.#limits.maxBytes) return;
    this.cuts.push(place);
    this.#keys = 1;
    this.#bytes = bytes;
  }
}

/** Which of the places of a duplicate key stands for it: the last for writes (rule S5), the first for reads. */
export type Winner = "first" | "last";

/** The representative of each place, or nothing where all keys differ. */
export function findRepresentatives(keys: readonly string[], winner: Winner): Int32Array | undefined {
  if (keys.length < 2 || new Set(keys).size === keys.length) return undefined;
  const places = new Map<string, number>();
  for (let place = 0; place < keys.length; place++) {
    const key = keys[place] as string;
    if (winner === "last" || !places.has(key)) places.set(key, place);
  }
  return Int32Array.from(keys, (key) => places.get(key) as number);
}
