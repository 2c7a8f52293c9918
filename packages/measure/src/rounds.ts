import { setImmediate } from "node:timers/promises";
import { shuffled } from "./statistics.js";

export interface RoundLimits {
  /** Maximum number of rounds that do not count. In these rounds, the JavaScript engine compiles the hot code. */
  readonly warmUpRounds: number;
  /** No new warm-up round starts after this many seconds. Default: no limit. */
  readonly warmUpSeconds?: number;
  /** Maximum number of rounds that count. */
  readonly rounds: number;
  /** No new round starts more than this many seconds after the warm-up, except the first five rounds. */
  readonly seconds: number;
}

/** Number of rounds that the limit in seconds does not affect: the median of fewer rounds has no meaning. */
export const fewestRounds = 5;

/** Runs rounds up to a limit. `counts` is `false` for the rounds of the warm-up. */
export async function runRounds(
  { warmUpRounds, warmUpSeconds = Infinity, rounds, seconds }: RoundLimits,
  runRound: (round: number, counts: boolean) => Promise<void>,
): Promise<void> {
  const warmUpEnd = performance.now() + warmUpSeconds * 1_000;
  for (let round = 0; round < warmUpRounds && performance.now() < warmUpEnd; round++) await runRound(round, false);
  const end = performance.now() + seconds * 1_000;
  for (let round = 0; round < rounds; round++) {
    if (round >= fewestRounds && performance.now() > end) break;
    await runRound(round, true);
  }
}

/**
 * Measures the contenders of one step of a round one after the other, in a new random order. Other load on the machine or
 * the network therefore slows down all contenders, and no contender always runs after the same other contender.
 */
export async function inTurn<Contender>(
  contenders: readonly Contender[],
  measure: (contender: Contender) => Promise<void>,
): Promise<void> {
  for (const contender of shuffled(contenders)) {
    await measure(contender);
    // Let tasks that this contender left on the event loop run, so that they do not count for the next contender.
    await setImmediate();
  }
}

/** Returns how long an action takes, in milliseconds. */
export async function elapsed(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}
