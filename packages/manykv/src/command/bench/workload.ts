import { randomBytes, randomInt } from "node:crypto";

export type KeyAndValue = readonly [key: string, value: Uint8Array];

/** The keys and values of one round. Each round has new keys, so it does not find what an earlier one left. */
export interface Workload {
  /** The batches that are sent at the same time. */
  readonly batches: readonly { readonly keys: readonly string[]; readonly entries: readonly KeyAndValue[] }[];
  /** As many other keys as the batches have together. */
  readonly singles: readonly KeyAndValue[];
  /** All keys. */
  readonly keys: readonly string[];
}

/** Values share one buffer and start at different places of its first bytes. */
const differentStarts = 65_536;

/** Returns a function that creates workloads. Values are random, because some engines compress others. */
export function workloads(valueBytes: number, concurrency: number): (size: number) => Workload {
  const bytes = randomBytes(valueBytes + differentStarts);
  const entryOf = (key: string): KeyAndValue => {
    const start = randomInt(differentStarts);
    return [key, bytes.subarray(start, start + valueBytes)];
  };
  return (size) => {
    const batches = Array.from({ length: concurrency }, () => {
      const keys = randomKeys(size);
      return { keys, entries: keys.map(entryOf) };
    });
    const singles = randomKeys(size * concurrency).map(entryOf);
    return { batches, singles, keys: [...batches.flatMap(({ keys }) => keys), ...singles.map(([key]) => key)] };
  };
}

/** Returns keys of 20 bytes in random order, because an index handles sorted keys faster. */
function randomKeys(count: number): string[] {
  const random = randomBytes(8 * count);
  return Array.from({ length: count }, (_, index) => `key-${random.toString("hex", 8 * index, 8 * index + 8)}`);
}
