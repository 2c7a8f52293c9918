import { Random } from "./random.js";

/** How many of the keys that are read exist. */
export type Hits = "all" | "half" | "none";

/** The size of a batch. */
export interface Shape {
  readonly keys: number;
  /** Bytes of each value. */
  readonly bytes: number;
  readonly hits: Hits;
}

/** The input of one batch, the same for every contender, and the result that reading it must have. */
export interface Workload {
  readonly keys: readonly string[];
  readonly values: readonly Uint8Array[];
  /** What `get` asks for. */
  readonly readKeys: readonly string[];
  /** What `get` must find after `set`, in the order of `readKeys`. */
  readonly expected: readonly (Uint8Array | undefined)[];
}

/** Workloads with different numbers share no key. The same number and shape make the same workload in every run. */
export function makeWorkload({ keys: count, bytes, hits }: Shape, number: number): Workload {
  const random = new Random(`${number} ${count} ${bytes}`);
  const keys = makeKeys("user", count, random);
  const values = keys.map(() => random.bytes(bytes));
  const missing = makeKeys("none", count, random);
  const exists = (index: number): boolean => hits === "all" || (hits === "half" && index % 2 === 0);
  return {
    keys,
    values,
    readKeys: keys.map((key, index) => (exists(index) ? key : (missing[index] as string))),
    expected: values.map((value, index) => (exists(index) ? value : undefined)),
  };
}

/** Keys of 21 bytes in random order: sorted input would favor an index. */
function makeKeys(prefix: string, count: number, random: Random): string[] {
  return Array.from({ length: count }, () => `${prefix}-${random.hex(16)}`);
}
