import { setImmediate } from "node:timers/promises";
import { type Contender, OPERATIONS, type Operation, type Trial } from "./contender.js";

/** A contender with a trial for each lot of a sample. */
export interface Entrant {
  readonly contender: Contender;
  readonly trials: readonly Trial[];
  /** Operations to time. */
  readonly operations: readonly Operation[];
}

/** How long to go on. */
export interface Effort {
  /** Rounds that count. */
  readonly rounds: number;
  /** Rounds before them that do not, so that the engines of JavaScript have compiled what is hot. */
  readonly warmUp: number;
  /** After this many seconds no further round is begun, once the fewest are done. */
  readonly seconds: number;
}

/** However slow, this many rounds are run: below it a median means little. */
const fewestRounds = 5;

/** Times in milliseconds for one batch, by contender and operation, round by round. */
export type Times = Map<Contender, Map<Operation, number[]>>;

/**
 * Runs all contenders side by side in this one process: in each round every operation of each of them once, next to
 * each other, in an order that is drawn anew each time. So what disturbs the machine disturbs all of them, and nobody
 * always runs behind the same one, which may leave the processor's caches warm for it or cold.
 */
export async function interleave(
  entrants: readonly Entrant[],
  effort: Effort,
  betweenRounds: () => Promise<void>,
): Promise<Times> {
  const times: Times = new Map(
    entrants.map(({ contender, operations }) => [contender, new Map(operations.map((each) => [each, []]))]),
  );
  const warmUpEnd = performance.now() + effort.seconds * 500;
  for (let round = 0; round < effort.warmUp && performance.now() < warmUpEnd; round++) {
    await runRound(entrants, () => {});
    await rest(entrants, betweenRounds);
  }
  const end = performance.now() + effort.seconds * 1000;
  for (let round = 0; round < effort.rounds && (round < fewestRounds || performance.now() < end); round++) {
    await runRound(entrants, (contender, operation, time) => {
      times.get(contender)?.get(operation)?.push(time);
    });
    await rest(entrants, betweenRounds);
  }
  return times;
}

async function rest(entrants: readonly Entrant[], betweenRounds: () => Promise<void>): Promise<void> {
  await betweenRounds();
  for (const { contender } of entrants) await contender.settle?.();
}

type Note = (contender: Contender, operation: Operation, time: number) => void;

async function runRound(entrants: readonly Entrant[], note: Note): Promise<void> {
  for (const operation of OPERATIONS) {
    for (const { contender, trials, operations } of shuffled(entrants)) {
      if (!operations.includes(operation)) continue;
      note(contender, operation, await runSample(trials, operation));
      // What the contender left on the event loop is done before the next one's time begins.
      await setImmediate();
    }
  }
}

/** Every order is as likely as any other. */
function shuffled<Item>(items: readonly Item[]): Item[] {
  const result = [...items];
  for (let left = result.length; left > 1; left--) {
    const drawn = Math.floor(Math.random() * left);
    [result[left - 1], result[drawn]] = [result[drawn] as Item, result[left - 1] as Item];
  }
  return result;
}

async function runSample(trials: readonly Trial[], operation: Operation): Promise<number> {
  const start = performance.now();
  let own = 0;
  for (const trial of trials) {
    const clock = trial.clock?.[operation];
    if (clock !== undefined) own += await clock();
    else await trial[operation]?.();
  }
  const { length } = trials;
  return (own > 0 ? own : performance.now() - start) / length;
}
