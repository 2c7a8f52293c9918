import { inTurn, type RoundLimits, runRounds } from "@manykv/measure";
import { type Calls, type Contender, type Kind, OPERATIONS, type Operation, type ReadResult } from "./contender.js";
import { makeWorkload, type Shape, type Workload } from "./workload.js";

/** How to measure a comparison. */
export interface Sampling extends RoundLimits {
  /** Number of consecutive calls in one sample. A single small call is too short to measure exactly. */
  readonly callsPerSample: number;
  /** Whether samples are elapsed time or CPU time of this process. Default: `elapsed`. */
  readonly clock?: "elapsed" | "cpu";
  /** Number of keys that every contender stores in advance. No operation uses these keys. Default: 0. */
  readonly background?: number;
  /** Called after some rounds, including warm-up rounds. Its duration is not measured. */
  readonly cleanUp?: () => Promise<void>;
}

/** The times that one contender took for one operation. */
export interface Timing {
  readonly contender: string;
  readonly kind: Kind;
  readonly operation: Operation;
  /** Milliseconds per call, for each round. The same index means the same round for all contenders. */
  readonly times: readonly number[];
}

/** An operation that is not measured: it fails, it returns a wrong result, or its contender cannot be prepared. */
export interface Failure {
  readonly contender: string;
  readonly operation: Operation;
  readonly reason: string;
}

export interface Comparison {
  readonly shape: Shape;
  readonly rounds: number;
  readonly timings: readonly Timing[];
  readonly failures: readonly Failure[];
}

interface Participant {
  readonly contender: Contender;
  /** One item for each call of a sample. */
  readonly calls: readonly Calls[];
  /** Calls with one or two keys, for use after a clean-up. */
  readonly small: Calls;
  readonly operations: Set<Operation>;
}

/** A clean-up takes time, so it runs only after each contender has deleted about this many keys. */
const keysBetweenCleanUps = 1_000;

/**
 * Measures contenders in turn in this process. In each round, every contender runs one sample of every operation. For
 * each operation, the contenders run in a new random order.
 */
export async function compare(contenders: readonly Contender[], shape: Shape, sampling: Sampling): Promise<Comparison> {
  const failures: Failure[] = [];
  const participants: Participant[] = [];
  for (const contender of contenders) {
    try {
      participants.push(await prepare(contender, shape, sampling, failures));
    } catch (error) {
      const reason = `cannot be prepared: ${firstLine(error)}`;
      failures.push(...OPERATIONS.map((operation) => ({ contender: contender.name, operation, reason })));
    }
  }
  const timings = participants.flatMap(({ contender: { name, kind }, operations }) =>
    Array.from(operations, (operation) => ({ contender: name, kind, operation, times: [] as number[] })),
  );
  const timingOf = ({ name }: Contender, operation: Operation) =>
    timings.find((each) => each.contender === name && each.operation === operation);
  const cleanUpEvery = Math.ceil(keysBetweenCleanUps / (shape.keys * sampling.callsPerSample));
  const runRound = async (round: number, record: boolean): Promise<void> => {
    for (const operation of OPERATIONS) {
      const able = participants.filter(({ operations }) => operations.has(operation));
      await inTurn(able, async ({ calls, contender, operations }) => {
        try {
          const time = await sample(calls, operation, sampling.clock);
          if (record) timingOf(contender, operation)?.times.push(time);
        } catch (error) {
          operations.delete(operation);
          failures.push({ contender: contender.name, operation, reason: `fails: ${firstLine(error)}` });
        }
      });
    }
    if (sampling.cleanUp && (round + 1) % cleanUpEvery === 0) await cleanUp(sampling.cleanUp, participants);
  };
  await runRounds(sampling, runRound);
  const measured = timings.filter(
    ({ contender, operation }) =>
      !failures.some((each) => each.contender === contender && each.operation === operation),
  );
  return { shape, rounds: measured[0]?.times.length ?? 0, timings: measured, failures };
}

async function prepare(
  contender: Contender,
  shape: Shape,
  { callsPerSample, background = 0 }: Sampling,
  failures: Failure[],
): Promise<Participant> {
  if (background > 0) {
    const filling = await contender.prepare(makeWorkload({ ...shape, keys: background, hits: "all" }, -1));
    await filling.set?.();
  }
  const calls: Calls[] = [];
  for (let number = 0; number < callsPerSample; number++) {
    calls.push(await contender.prepare(makeWorkload(shape, number)));
  }
  const small = await contender.prepare(makeWorkload({ ...shape, keys: Math.min(2, shape.keys) }, -2));
  const first = calls[0] as Calls;
  const failed = await verify(first, makeWorkload(shape, 0));
  for (const [operation, reason] of failed) failures.push({ contender: contender.name, operation, reason });
  const operations = OPERATIONS.filter(
    (operation) => (first[operation] ?? first.reportedTime?.[operation]) !== undefined && !failed.has(operation),
  );
  return { contender, calls, small, operations: new Set(operations) };
}

async function sample(
  calls: readonly Calls[],
  operation: Operation,
  clock: Sampling["clock"] = "elapsed",
): Promise<number> {
  const cpu = clock === "cpu" ? process.cpuUsage() : undefined;
  const start = performance.now();
  let reported = 0;
  for (const call of calls) {
    const reportedTime = call.reportedTime?.[operation];
    if (reportedTime === undefined) await call[operation]?.();
    else reported += await reportedTime();
  }
  const elapsed = performance.now() - start;
  if (cpu) {
    const { user, system } = process.cpuUsage(cpu);
    return (user + system) / 1_000 / calls.length;
  }
  return (reported > 0 ? reported : elapsed) / calls.length;
}

/**
 * Runs a clean-up, and then a small call of every operation. The clean-up makes Postgres discard the plans of prepared
 * statements, and the small calls create them again. A real server discards plans about once a minute, not at
 * every call.
 */
async function cleanUp(action: () => Promise<void>, participants: readonly Participant[]): Promise<void> {
  await action();
  for (const { small, operations } of participants) {
    for (const operation of operations) await small[operation]?.();
  }
}

/**
 * Runs every operation once and checks its effect, so that no contender is faster because it does less. Returns the
 * operations that failed, each with the reason.
 */
async function verify(calls: Calls, { expected }: Workload): Promise<Map<Operation, string>> {
  const failed = new Map<Operation, string>();
  const check = async (operation: Operation, body: () => Promise<string | undefined>): Promise<void> => {
    const reason = await body().catch((error: unknown) => `fails: ${firstLine(error)}`);
    if (reason !== undefined) failed.set(operation, reason);
  };
  const read = calls.readBack ?? calls.get;
  await check("set", async () => {
    await calls.set?.();
    return difference(await read?.(), expected);
  });
  await check("get", async () => difference(await calls.get?.(), expected));
  await check("delete", async () => {
    if (calls.delete === undefined) return undefined;
    await calls.delete();
    return difference(
      await read?.(),
      expected.map(() => undefined),
    );
  });
  return failed;
}

function difference(result: ReadResult | undefined, expected: Workload["expected"]): string | undefined {
  if (result === undefined) return undefined;
  const values = result();
  if (values.length !== expected.length) return `returns ${values.length} values for ${expected.length} keys`;
  const index = expected.findIndex((value, each) => !equal(value, values[each]));
  return index < 0 ? undefined : `returns a wrong value at index ${index}`;
}

function equal(left: Uint8Array | undefined, right: Uint8Array | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return Buffer.compare(left, right) === 0;
}

/** Maximum number of characters of an error message in a reason. An engine's message may contain the whole request. */
const longestReason = 90;

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text.split("\n", 1)[0] ?? "").slice(0, longestReason);
}
