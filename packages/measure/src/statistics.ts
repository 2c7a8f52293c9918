/** The median and the quartiles of some figures. Half of the figures lie between the quartiles. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export function spread(figures: readonly number[]): Spread {
  const { p25: low, p50: median, p75: high } = quantiles(figures);
  return { median, low, high };
}

/** Percentiles of some figures: 5 % of the figures are at most `p5`, and half of them at most `p50`. */
export interface Quantiles {
  readonly p5: number;
  readonly p25: number;
  readonly p50: number;
  readonly p75: number;
  readonly p95: number;
}

export function quantiles(figures: readonly number[]): Quantiles {
  const sorted = [...figures].sort((left, right) => left - right);
  const at = (share: number): number => quantile(sorted, share);
  return { p5: at(0.05), p25: at(0.25), p50: at(0.5), p75: at(0.75), p95: at(0.95) };
}

/**
 * Returns the lower limit of the 95 % confidence interval of the median. It depends only on the order of the figures, not on
 * their distribution. With fewer than five figures, it is the smallest one.
 */
export function lowestMedian(figures: readonly number[]): number {
  const sorted = [...figures].sort((left, right) => left - right);
  return quantile(sorted, Math.max(0, 0.5 - 0.98 / Math.sqrt(sorted.length)));
}

/**
 * Divides each item of `times` by the item of `others` for the same round, and returns these ratios. The times of one
 * round were measured shortly after each other, so the ratios change little if the machine is slow for some seconds.
 */
export function ratios(times: readonly number[], others: readonly number[]): number[] {
  return times.map((time, round) => time / (others[round] as number));
}

/** Returns the spread of the {@link ratios}. */
export function ratio(times: readonly number[], others: readonly number[]): Spread {
  return spread(ratios(times, others));
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
