import type { BackendName } from "../backends/backend.js";
import { backends } from "../backends/index.js";
import { OPERATIONS, type Operation, type Trial } from "../measure/contender.js";
import { makeLot, type Shape } from "../measure/lot.js";
import { plainTable } from "../report/terminal.js";
import { count, figure, shapeWords } from "../report/words.js";
import { SelfTimes } from "./self-time.js";

/** Few enough batches to be kept in memory, enough for the profiler to see something. */
const keysPerStretch = 100_000;
const mostLots = 200;
/** Stretches before the first that counts. */
const warmUp = 2;

/** Prints where this process spends its time while one contender works, the library unless another is named. */
export async function profile(
  name: BackendName,
  shape: Shape,
  options: { readonly stretches: number; readonly top: number; readonly contender?: string | undefined },
): Promise<void> {
  const backend = backends[name];
  await using arena = await backend.open();
  await using field = await arena.batch();
  const { contenders } = field;
  const subject = contenders.find((each) => each.name === (options.contender ?? "manykv"));
  if (subject === undefined)
    throw new Error(
      `no contender ${options.contender}: there are ${contenders.map((each) => each.name).join(", ")}`,
    );
  const lots = Math.max(1, Math.min(mostLots, Math.floor(keysPerStretch / shape.keys)));
  const trials: Trial[] = [];
  for (let number = 0; number < lots; number++) trials.push(await subject.prepare(makeLot(shape, number)));
  const profiles = new Map(OPERATIONS.map((operation) => [operation, new SelfTimes()]));
  for (const times of profiles.values()) await times.start();
  for (let stretch = -warmUp; stretch < options.stretches; stretch++) {
    for (const [operation, times] of profiles) {
      const work = (): Promise<void> => runAll(trials, operation);
      await (stretch < 0 ? work() : times.during(work));
    }
  }
  for (const [operation, times] of profiles) {
    console.log(`\n${name}, ${subject.name}, ${operation}: ${shapeWords(shape)}`);
    console.log(table(times.times, lots * options.stretches, options.top));
    await times[Symbol.asyncDispose]();
  }
}

async function runAll(trials: readonly Trial[], operation: Operation): Promise<void> {
  for (const trial of trials) await trial[operation]?.();
}

function table(times: ReadonlyMap<string, number>, batches: number, top: number): string {
  const whole = [...times.values()].reduce((sum, time) => sum + time, 0);
  const rows = [...times].sort(([, left], [, right]) => right - left).slice(0, top);
  return plainTable(
    [`function, over ${count(batches)} batches`, "ms a batch", "share"],
    rows.map(([where, time]) => [where, figure(time / batches), `${((time / whole) * 100).toFixed(1)}%`]),
  );
}
