import { Random } from "@manykv/conformance/faults";

/** Whether all, half or none of the keys that `get` reads exist. */
export type Hits = "all" | "half" | "none";

/** The number of keys in a batch, the size of its values, and how many of the keys that `get` reads exist. */
export interface Shape {
  readonly keys: number;
  /** Size of each value, in bytes. */
  readonly bytes: number;
  readonly hits: Hits;
}

/** The input of one batch and the expected result of reading it. Every contender gets the same workload. */
export interface Workload {
  readonly keys: readonly string[];
  readonly values: readonly Uint8Array[];
  /** The keys that `get` reads. */
  readonly readKeys: readonly string[];
  /** What `get` must find after `set`, in the order of `readKeys`. */
  readonly expected: readonly (Uint8Array | undefined)[];
}

/** Creates a workload that depends only on its shape and number. Different numbers result in different keys. */
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

/** Returns keys of 21 bytes in random order, because an index would handle sorted keys faster. */
function makeKeys(prefix: string, count: number, random: Random): string[] {
  return Array.from({ length: count }, () => `${prefix}-${random.hex(16)}`);
}

export type KeyAndValue = readonly [key: string, value: Uint8Array];

/** Size of the buffers that values share, in bytes. Values from a file or a socket share buffers too. */
const sharedBytes = 65_536;

/** Quickly creates a large number of entries with different keys. */
export function makeEntries(count: number, bytes: number): KeyAndValue[] {
  const entries: KeyAndValue[] = [];
  let shared = new Uint8Array(0);
  let used = 0;
  for (let index = 0; index < count; index++) {
    if (used + bytes > shared.length) {
      shared = new Uint8Array(Math.max(sharedBytes, bytes)).fill(index);
      used = 0;
    }
    entries.push([
      `user-${String((index * 2_654_435_761) % 2 ** 32).padStart(16, "0")}`,
      shared.subarray(used, used + bytes),
    ]);
    used += bytes;
  }
  return entries;
}
