import { count, fewestRounds, type RoundLimits } from "@manykv/measure";
import { CommandError, exitCode } from "../errors.js";
import type { BenchOptions } from "./result.js";

/** How to measure one size. */
export interface SizePlan extends RoundLimits {
  readonly size: number;
  /** Number of keys that a round writes to each store: those of the batches, and as many for the single calls. */
  readonly keysPerRound: number;
}

/** Number of warm-up rounds for each round that counts. */
const warmUpShare = 0.2;

/** Memory for the values of a round that a store returns, in bytes. */
const maxRoundBytes = 256 * 2 ** 20;

/**
 * Returns how to measure each size, so that no store receives more than `maxKeys` keys. Each size gets an equal share of them,
 * but small sizes need less, and larger sizes may use what is left.
 */
export function planOf({ sizes, concurrency, valueBytes, duration, rounds, maxKeys }: BenchOptions): SizePlan[] {
  const keysPerRound = sizes.map((size) => 2 * size * concurrency);
  const largest = keysPerRound.at(-1) as number;
  if (largest * valueBytes > maxRoundBytes)
    throw usage(`${count(largest)} values of ${count(valueBytes)} bytes do not fit in memory: lower --value-bytes`);
  const fewest = withWarmUp(Math.min(rounds, fewestRounds));
  let needed = fewest * keysPerRound.reduce((sum, keys) => sum + keys);
  if (needed > maxKeys)
    throw usage(`these sizes need ${needed} keys for each store: pass --max-keys ${needed}, or lower --sizes`);
  let left = maxKeys;
  return sizes.map((size, index) => {
    const keys = keysPerRound[index] as number;
    needed -= fewest * keys;
    const share = Math.max(fewest * keys, left / (sizes.length - index));
    const total = Math.min(withWarmUp(rounds), Math.floor(Math.min(share, left - needed) / keys));
    left -= total * keys;
    const counted = Math.min(rounds, Math.floor(total / (1 + warmUpShare)));
    return {
      size,
      keysPerRound: keys,
      warmUpRounds: total - counted,
      warmUpSeconds: duration / 4000,
      rounds: counted,
      seconds: duration / 1000,
    };
  });
}

/** Returns the number of keys that each store receives at most. */
export function keysOf(plans: readonly SizePlan[]): number {
  return plans.reduce((sum, { warmUpRounds, rounds, keysPerRound }) => sum + (warmUpRounds + rounds) * keysPerRound, 0);
}

function withWarmUp(rounds: number): number {
  return rounds + Math.ceil(rounds * warmUpShare);
}

function usage(message: string): CommandError {
  return new CommandError(exitCode.usage, message);
}
