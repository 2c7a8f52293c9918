import type { Call } from "../call/call.js";

/** Which of several entries with the same key counts: the last for sets (rule S5), the first for reads. */
export type DuplicatePolicy = "first" | "last";

/** For each index the index of the entry that counts for its key; `undefined` if all keys differ. */
export type CanonicalIndexes = Int32Array | undefined;

export function findDuplicates(keys: readonly string[], policy: DuplicatePolicy): CanonicalIndexes {
  if (keys.length < 2 || new Set(keys).size === keys.length) return undefined;
  const indexes = new Map<string, number>();
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] as string;
    if (policy === "last" || !indexes.has(key)) indexes.set(key, index);
  }
  return Int32Array.from(keys, (key) => indexes.get(key) as number);
}

const keysPerStep = 8_192;

/** Like {@link findDuplicates}, for long batches: lets other work of the event loop run every few milliseconds. */
export async function findDuplicatesInSteps(
  keys: readonly string[],
  policy: DuplicatePolicy,
  call: Call,
): Promise<CanonicalIndexes> {
  const distinct = new Set<string>();
  for (let index = 0; index < keys.length; index++) {
    if (index % keysPerStep === 0) await call.nextTurn(keys.length);
    distinct.add(keys[index] as string);
  }
  if (distinct.size === keys.length) return undefined;
  const indexes = new Map<string, number>();
  for (let index = 0; index < keys.length; index++) {
    if (index % keysPerStep === 0) await call.nextTurn(keys.length);
    const key = keys[index] as string;
    if (policy === "last" || !indexes.has(key)) indexes.set(key, index);
  }
  const canonical = new Int32Array(keys.length);
  for (let index = 0; index < keys.length; index++) {
    if (index % keysPerStep === 0) await call.nextTurn(keys.length);
    canonical[index] = indexes.get(keys[index] as string) as number;
  }
  return canonical;
}
