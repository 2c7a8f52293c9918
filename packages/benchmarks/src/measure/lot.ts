import { Random } from "./random.js";

/** How many of the keys that are read exist. */
export type Hits = "all" | "half" | "none";

/** What one batch is made of. */
export interface Shape {
  readonly keys: number;
  /** Bytes of each value. */
  readonly bytes: number;
  readonly hits: Hits;
}

/** The input of one batch, the same for every contender, and what reading it must give. */
export interface Lot {
  readonly keys: readonly string[];
  readonly values: readonly Uint8Array[];
  /** What `get` asks for. */
  readonly readKeys: readonly string[];
  /** What `get` must find after `set`, in the order of `readKeys`. */
  readonly expected: readonly (Uint8Array | undefined)[];
}

/** Different lots of one shape share no key. The same number and shape give the same lot in every run. */
export function makeLot(shape: Shape, number: number): Lot {
  const random = new Random(`${number} ${shape.keys} ${shape.bytes}`);
  const keys = makeKeys("user", shape.keys, random);
  const values = keys.map(() => random.bytes(shape.bytes));
  const strangers = makeKeys("none", shape.keys, random);
  const present = (index: number): boolean =>
    shape.hits === "all" || (shape.hits === "half" && index % 2 === 0);
  return {
    keys,
    values,
    readKeys: keys.map((key, index) => (present(index) ? key : (strangers[index] as string))),
    expected: values.map((value, index) => (present(index) ? value : undefined)),
  };
}

/** Keys of 21 bytes in no order: sorted input would flatter an index. */
function makeKeys(prefix: string, count: number, random: Random): string[] {
  return Array.from({ length: count }, () => `${prefix}-${random.hex(16)}`);
}
