import type { Batch } from "../input/batch.js";
import { WorkValues } from "./work-values.js";

/** Keys that go into one request, and the place of each in the caller's input. */
export interface Work {
  readonly keys: readonly string[];
  /** The value of each key, for a `set`. */
  readonly values: WorkValues | undefined;
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
  const whole = to - from === batch.keys.length;
  const keys = whole ? batch.keys : batch.keys.slice(from, to);
  const values = batch.values && new WorkValues(batch.values.valuesOf(cut, to - from));
  const work: Work = { keys, values, places: undefined, from };
  const { representatives } = batch;
  if (representatives === undefined) return work;
  const chosen: number[] = [];
  for (let index = 0; index < keys.length; index++)
    if (representatives[from + index] === from + index) chosen.push(index);
  return partOfWork(work, chosen);
}

/** A part of some work, by ascending index. */
export function partOfWork(work: Work, indexes: readonly number[]): Work {
  if (indexes.length === work.keys.length) return work;
  const { values } = work;
  return {
    keys: indexes.map((index) => work.keys[index] as string),
    values: values && new WorkValues(indexes.map((index) => values.at(index))),
    places: indexes.map((index) => placeOf(work, index)),
    from: work.from,
  };
}
