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
 * Returns how to measure each size, so that no store receives more than `maxKeys` keys. Small sizes need few keys, so larger
 * sizes may use what they leave.
 */
export function planOf({ sizes, concurrency, valueBytes, duration, rounds, maxKeys }: BenchOptions): SizePlan[] {
  let left = maxKeys;
  return sizes.map((size, index) => {
    const keysPerRound = 2 * size * concurrency;
    if (keysPerRound * valueBytes > maxRoundBytes)
      throw usage(
        `${count(keysPerRound)} values of ${count(valueBytes)} bytes do not fit in memory: lower --value-bytes`,
      );
    const possible = Math.floor(left / (sizes.length - index) / keysPerRound);
    const total = Math.min(possible, withWarmUp(rounds));
    const counted = Math.min(rounds, Math.floor(total / (1 + warmUpShare)));
    const fewest = Math.min(rounds, fewestRounds);
    if (counted < fewest) {
      const needed = withWarmUp(fewest) * keysPerRound * (sizes.length - index) + maxKeys - left;
      throw usage(
        `--max-keys ${maxKeys} allows fewer than ${fewest} rounds with ${count(size)} keys: raise it to ${needed}, or lower --sizes or --concurrency`,
      );
    }
    left -= total * keysPerRound;
    return {
      size,
      keysPerRound,
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
