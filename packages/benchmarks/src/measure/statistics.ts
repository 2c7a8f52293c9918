/** Middle and spread of some figures: half of them lie between `low` and `high`. */
export interface Spread {
  readonly median: number;
  /** The first quartile. */
  readonly low: number;
  /** The third quartile. */
  readonly high: number;
}

export function spread(figures: readonly number[]): Spread {
  const sorted = [...figures].sort((left, right) => left - right);
  return { median: quantile(sorted, 0.5), low: quantile(sorted, 0.25), high: quantile(sorted, 0.75) };
}

/**
 * How much of the other's time something takes. The two are compared round by round, where they ran next to each
 * other, so that a machine that slows down for a while changes neither the middle nor the spread.
 */
export function ratio(times: readonly number[], others: readonly number[]): Spread {
  return spread(times.map((time, round) => time / (others[round] as number)));
}

function quantile(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)] as number;
  const above = sorted[Math.ceil(place)] as number;
  return below + (above - below) * (place - Math.floor(place));
}
