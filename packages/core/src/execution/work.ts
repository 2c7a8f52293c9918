import type { Batch } from "../input/batch.js";

/** Keys that go into one request, and the place of each in the caller's input. */
export interface Work {
  readonly keys: readonly string[];
  /** The place of each key; absent where they follow each other from `from`. */
  readonly places: readonly number[] | undefined;
  readonly from: number;
}

export function placeOf(work: Work, index: number): number {
  return work.places === undefined ? work.from + index : (work.places[index] as number);
}

/** The work of one cut of a batch; no keys where all of them are duplicates of others. */
export function workOfCut(batch: Batch, cut: number): Work {
  const from = batch.cuts[cut] as number;
  const to = batch.cuts[cut + 1] ?? batch.keys.length;
  const { representatives } = batch;
  if (representatives === undefined) {
    const whole = to - from === batch.keys.length;
    return { keys: whole ? batch.keys : batch.keys.slice(from, to), places: undefined, from };
  }
  const places: number[] = [];
  for (let place = from; place < to; place++) if (representatives[place] === place) places.push(place);
  return { keys: places.map((place) => batch.keys[place] as string), places, from };
}

/** The part of some work that is left, by index. */
export function remainingWork(work: Work, indexes: readonly number[]): Work {
  return {
    keys: indexes.map((index) => work.keys[index] as string),
    places: indexes.map((index) => placeOf(work, index)),
    from: work.from,
  };
}
