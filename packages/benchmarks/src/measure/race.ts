import { type Contender, type Kind, OPERATIONS, type Operation, type Trial } from "./contender.js";
import { type Effort, type Entrant, interleave } from "./interleave.js";
import { makeLot, type Shape } from "./lot.js";
import { type Disqualified, verify } from "./verify.js";

/** What one contender took for one operation. */
export interface Timing {
  readonly contender: string;
  readonly kind: Kind;
  readonly operation: Operation;
  /** Milliseconds for one batch, round by round; rounds of all contenders correspond. */
  readonly times: readonly number[];
}

/** What came out of a race of one shape. */
export interface RaceResult {
  readonly shape: Shape;
  readonly rounds: number;
  readonly timings: readonly Timing[];
  readonly disqualified: readonly (Disqualified & { readonly contender: string })[];
}

/** The ground on which contenders meet. */
export interface Course {
  /** A batch of fewer keys is over before a clock tells much, so a sample is then made of several batches. */
  readonly keysPerSample: number;
  /** Keys that every contender has in its engine beforehand, which no operation touches. Default 0. */
  readonly background?: number;
  /** Called after every round, untimed. */
  readonly betweenRounds?: () => Promise<void>;
}

/** Checks every contender on a shape, then times those that are right. */
export async function race(
  contenders: readonly Contender[],
  shape: Shape,
  effort: Effort,
  course: Course,
): Promise<RaceResult> {
  const entrants: Entrant[] = [];
  const disqualified: (Disqualified & { contender: string })[] = [];
  for (const contender of contenders) {
    await fill(contender, shape, course);
    const { entrant, wrong } = await admit(contender, shape, course);
    entrants.push(entrant);
    disqualified.push(...wrong.map((each) => ({ ...each, contender: contender.name })));
  }
  const times = await interleave(entrants, effort, course.betweenRounds ?? (async () => {}));
  const timings = entrants.flatMap(({ contender, operations }) =>
    operations.map((operation) => ({
      contender: contender.name,
      kind: contender.kind,
      operation,
      times: times.get(contender)?.get(operation) ?? [],
    })),
  );
  return { shape, rounds: timings[0]?.times.length ?? 0, timings, disqualified };
}

const backgroundLot = -1;

async function fill(contender: Contender, { bytes }: Shape, { background = 0 }: Course): Promise<void> {
  if (background === 0) return;
  const trial = await contender.prepare(makeLot({ keys: background, bytes, hits: "all" }, backgroundLot));
  await trial.set?.();
}

async function admit(
  contender: Contender,
  shape: Shape,
  { keysPerSample }: Course,
): Promise<{ entrant: Entrant; wrong: readonly Disqualified[] }> {
  const lots = Array.from({ length: Math.max(1, Math.floor(keysPerSample / shape.keys)) }, (_, number) =>
    makeLot(shape, number),
  );
  const trials: Trial[] = [];
  const wrong: Disqualified[] = [];
  for (const lot of lots) {
    const trial = await contender.prepare(lot);
    if (trials.length === 0) wrong.push(...(await verify(trial, lot)));
    trials.push(trial);
  }
  const operations = OPERATIONS.filter(
    (operation) =>
      trials.every((trial) => (trial[operation] ?? trial.clock?.[operation]) !== undefined) &&
      !wrong.some((each) => each.operation === operation),
  );
  return { entrant: { contender, trials, operations }, wrong };
}
