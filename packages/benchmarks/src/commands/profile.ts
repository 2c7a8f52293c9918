import { type Profiler, Session } from "node:inspector/promises";
import { count, figure, textTable } from "@manykv/measure";
import type { BackendName } from "../backends/backend.js";
import { backends } from "../backends/index.js";
import { type Calls, OPERATIONS, type Operation } from "../measure/contender.js";
import { makeWorkload, type Shape } from "../measure/workload.js";
import { describeShape } from "../report.js";

/**
 * Approximate number of keys in a stretch, which is the work between a start and a stop of the profiler. More keys
 * would need too much memory. With fewer keys, the profiler would collect only a few samples in a stretch.
 */
const keysPerStretch = 100_000;
const mostWorkloads = 200;
/** Number of stretches before the first one that counts. */
const warmUp = 2;
/** Time between two samples, in microseconds. */
const samplingInterval = 100;

export interface ProfileOptions {
  readonly stretches: number;
  readonly top: number;
  readonly contender: string;
}

/** Prints the `top` functions in which this process spends the most time while one contender works. */
export async function runProfile(
  name: BackendName,
  shape: Shape,
  { stretches, top, contender }: ProfileOptions,
): Promise<void> {
  await using running = await backends[name].start();
  await using set = await running.contenders("all", shape.keys);
  const subject = set.contenders.find((each) => each.name === contender);
  if (subject === undefined) {
    const names = set.contenders.map((each) => each.name).join(", ");
    throw new Error(`There is no contender ${contender}. Use one of: ${names}.`);
  }
  const size = Math.max(1, Math.min(mostWorkloads, Math.floor(keysPerStretch / shape.keys)));
  const calls: Calls[] = [];
  for (let number = 0; number < size; number++) calls.push(await subject.prepare(makeWorkload(shape, number)));
  const work = async (operation: Operation): Promise<void> => {
    for (const call of calls) await call[operation]?.();
  };
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: samplingInterval });
  const times = new Map(OPERATIONS.map((operation) => [operation, new Map<string, number>()]));
  for (let stretch = -warmUp; stretch < stretches; stretch++) {
    for (const [operation, functions] of times) {
      await session.post("Profiler.start");
      await work(operation);
      const { profile } = await session.post("Profiler.stop");
      if (stretch >= 0) addSelfTimes(functions, profile);
    }
  }
  session.disconnect();
  for (const [operation, functions] of times) {
    console.log(`\n${backends[name].title}, ${subject.name}, ${operation}: ${describeShape(shape)}`);
    console.log(profileTable(functions, size * stretches, top));
  }
}

/** Adds to `functions` the milliseconds that each function spent in its own code, not in functions that it called. */
function addSelfTimes(
  functions: Map<string, number>,
  { nodes, samples = [], timeDeltas = [] }: Profiler.Profile,
): void {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? "";
    // A delta is the time since the previous sample, so the next delta belongs to this function.
    const time = (timeDeltas[index + 1] ?? 0) / 1_000;
    functions.set(name, (functions.get(name) ?? 0) + time);
  }
}

function nameOf({ functionName, url, lineNumber }: Profiler.ProfileNode["callFrame"]): string {
  if (url === "") return functionName;
  const file = url.replace(/^.*\/node_modules\//, "").replace(/^.*\/packages\//, "");
  return `${functionName || "(anonymous)"}  ${file}:${lineNumber + 1}`;
}

function profileTable(functions: ReadonlyMap<string, number>, batches: number, top: number): string {
  const whole = [...functions.values()].reduce((sum, time) => sum + time, 0);
  return textTable(
    [`function, over ${count(batches)} batches`, "ms per batch", "share"],
    [...functions]
      .sort(([, left], [, right]) => right - left)
      .slice(0, top)
      .map(([name, time]) => [name, figure(time / batches), `${((time / whole) * 100).toFixed(1)}%`]),
  );
}
