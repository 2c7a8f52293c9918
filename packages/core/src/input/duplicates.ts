/** Which of the places of a duplicate key stands for it: the last for writes (rule S5), the first for reads. */
export type Winner = "first" | "last";

/** The place that stands for each place's key, or nothing where all keys differ. */
export function findRepresentatives(keys: readonly string[], winner: Winner): Int32Array | undefined {
  if (keys.length < 2) return undefined;
  if (keys.length <= mostInSet ? new Set(keys).size === keys.length : allDiffer(keys)) return undefined;
  const places = new Map<string, number>();
  for (let place = 0; place < keys.length; place++) {
    const key = keys[place] as string;
    if (winner === "last" || !places.has(key)) places.set(key, place);
  }
  return Int32Array.from(keys, (key) => places.get(key) as number);
}

/** Up to so many keys a `Set`, which takes a megabyte then, is faster than the table below. */
const mostInSet = 16_384;

/** So many keys may meet at one slot before the keys are taken to have been chosen to collide. */
const longestProbe = 64;

/**
 * An open-addressing table of four bytes a slot: for a million keys it takes 8 MB where a `Set` takes over 50. A slot holds
 * a place plus one in its lower bits, as many as find a slot, and above them those of the key's hash: keys are hardly ever
 * compared that differ. The seed is new for each batch, and keys that collide all the same fall back to a `Set`.
 */
function allDiffer(keys: readonly string[]): boolean {
  const table = new Int32Array(2 ** Math.ceil(Math.log2(keys.length * 2)));
  const lower = table.length - 1;
  const seed = (Math.random() * 2 ** 32) | 0;
  for (let place = 0; place < keys.length; place++) {
    const key = keys[place] as string;
    const hashed = hash(key, seed);
    let slot = hashed & lower;
    // A free slot is 0.
    for (let probe = 0; table[slot] !== 0; probe++) {
      const held = table[slot] as number;
      if (((held ^ hashed) & ~lower) === 0 && keys[(held & lower) - 1] === key) return false;
      if (probe === longestProbe) return new Set(keys).size === keys.length;
      slot = (slot + 1) & lower;
    }
    table[slot] = (hashed & ~lower) | (place + 1);
  }
  return true;
}

/** FNV-1a over UTF-16 units, with the finalizer of MurmurHash3 so that low bits depend on all. */
function hash(key: string, seed: number): number {
  let state = seed;
  for (let index = 0; index < key.length; index++)
    state = Math.imul(state ^ key.charCodeAt(index), 0x01000193);
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return state ^ (state >>> 16);
}
