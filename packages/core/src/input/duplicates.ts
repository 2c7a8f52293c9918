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

/** Up to so many keys a `Set`, which takes a megabyte then, is three times as fast as the table below. */
const mostInSet = 16_384;

/** So many keys may meet at one slot before the keys are taken to have been chosen to collide. */
const longestProbe = 64;

/**
 * An open-addressing table of four bytes a slot: for a million keys it takes 8 MB where a `Set` takes over 50, and it is
 * no slower. The seed is new for each batch, and keys that collide all the same fall back to a `Set`.
 */
function allDiffer(keys: readonly string[]): boolean {
  const slots = 2 ** Math.ceil(Math.log2(keys.length * 2));
  const table = new Int32Array(slots);
  const seed = (Math.random() * 2 ** 32) | 0;
  for (let place = 0; place < keys.length; place++) {
    const key = keys[place] as string;
    let slot = hash(key, seed) & (slots - 1);
    // Slots hold a place plus one; 0 is free.
    for (let probe = 0; table[slot] !== 0; probe++) {
      if (keys[(table[slot] as number) - 1] === key) return false;
      if (probe === longestProbe) return new Set(keys).size === keys.length;
      slot = (slot + 1) & (slots - 1);
    }
    table[slot] = place + 1;
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
