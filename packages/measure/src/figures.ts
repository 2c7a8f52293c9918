import type { Spread } from "./statistics.js";

export function count(number: number): string {
  return number.toLocaleString("en-US");
}

/**
 * Formats a figure with three significant digits, or two if it is below 1, because the measurements are not more exact.
 * Rounds a figure of 100 or more to a whole number.
 */
export function figure(number: number): string {
  if (number >= 100) return count(Math.round(number));
  return number >= 1 ? number.toPrecision(3) : number.toPrecision(2);
}

/** Formats the median and the quartiles, such as `1.23 (1.10-1.40)`. */
export function figures({ median, low, high }: Spread): string {
  return `${figure(median)} (${figure(low)}-${figure(high)})`;
}
