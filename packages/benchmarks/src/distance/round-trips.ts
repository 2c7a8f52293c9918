import type { Field } from "../backends/backend.js";
import { makeLot, type Shape } from "../measure/lot.js";
import type { LinkCounts } from "./link-process.js";

/** What reading one batch took on the wire. */
export interface RoundTrips extends LinkCounts {
  readonly contender: string;
}

/** Counts the round trips of one `get` of each contender of a field with a link. */
export async function countRoundTrips({ contenders, link }: Field, shape: Shape): Promise<RoundTrips[]> {
  if (link === undefined) return [];
  const counted: RoundTrips[] = [];
  for (const { name, prepare } of contenders) {
    const trial = await prepare(makeLot(shape, 0));
    await trial.set?.();
    await link.counts();
    await trial.get?.();
    counted.push({ contender: name, ...(await link.counts()) });
    await trial.delete?.();
  }
  return counted;
}
