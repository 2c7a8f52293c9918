/** The median and the quartiles of some figures. Half of the figures lie between the quartiles. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export function spread(figures: readonly number[]): Spread {
  const sorted = [...figures].sort((left, right) => left - right);
  return { median: quantile(sorted, 0.5), low: quantile(sorted, 0.25), high: quantile(sorted, 0.75) };
}

/**
 * Divides each item of `times` by the item of `others` for the same round, and returns the spread of these ratios. The
 * times of one round were measured shortly after each other, so the result changes little if the machine is slow for
 * some seconds.
 */
export function ratio(times: readonly number[], others: readonly number[]): Spread {
  return spread(times.map((time, round) => time / (others[round] as number)));
}

function quantile(sorted: readonly number[], share: number): number {
  const position = share * (sorted.length - 1);
  const below = sorted[Math.floor(position)] as number;
  const above = sorted[Math.ceil(position)] as number;
  return below + (above - below) * (position - Math.floor(position));
}

/** Returns the items in random order. Every order is equally likely. */
export function shuffled<Item>(items: readonly Item[]): Item[] {
  const result = [...items];
  for (let left = result.length; left > 1; left--) {
    const drawn = Math.floor(Math.random() * left);
    [result[left - 1], result[drawn]] = [result[drawn] as Item, result[left - 1] as Item];
  }
  return result;
}
