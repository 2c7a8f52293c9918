import { ratio, spread } from "@manykv/measure";
import { BACKENDS, type BackendName } from "../backends/backend.js";
import { backends } from "../backends/index.js";
import { type Comparison, compare, type Sampling } from "../measure/compare.js";
import { OPERATIONS, type Operation } from "../measure/contender.js";
import type { Shape } from "../measure/workload.js";
import { comparisonTable, describeShape, type Row, row } from "../report.js";

/** Limits of a comparison. Lower limits make a run faster. */
export interface Limits {
  readonly warmUpRounds?: number | undefined;
  readonly rounds?: number | undefined;
  readonly seconds?: number | undefined;
}

/** Bars of one comparison. A bar is the highest accepted ratio of manykv's time to another contender's time. */
interface Bars {
  readonly backend: BackendName;
  readonly keys: number;
  readonly bytes: number;
  /** Name of the other contender, or `best` for the fastest client. */
  readonly against: string;
  readonly most: { readonly [operation in Operation]?: number };
  /** The contenders to which the bars apply. Default: `manykv`. */
  readonly subjects?: readonly string[];
}

const KB = 1_024;

export const bars: readonly Bars[] = [
  of("redis", 1, 100, [1.03, 1.03, 1.03], { against: "ioredis" }),
  of("redis", 10, 100, [0.6, 0.85, 0.95]),
  of("redis", 100, 100, [0.6, 0.85, 0.95]),
  of("redis", 1_000, 100, [0.4, 0.8, 0.9]),
  of("redis", 10_000, 100, [0.35, 0.85, 1]),
  of("redis", 1_000, KB, [0.7, 1]),
  of("redis", 1_000, 10 * KB, [0.7, 1]),
  of("redis-cluster", 100, 100, [0.45, 0.45, 0.45]),
  of("redis-cluster", 1_000, 100, [0.18, 0.18, 0.18]),
  of("redis-cluster", 10_000, 100, [0.1, 0.1, 0.1]),
  of("postgres", 1, 100, [1, 1, 1]),
  of("postgres", 100, 100, [0.85, 0.95, 0.95]),
  of("postgres", 1_000, 100, [0.5, 0.85, 0.3]),
  of("postgres", 10_000, 100, [0.3, 0.75, 0.6]),
  of("postgres", 100, KB, [0.4, 0.7]),
  of("dynamodb", 1_000, 100, [0.4, 0.45], { subjects: ["manykv", "manykv, caller's client"] }),
  of("memory", 1_000, 100, [1.3, 1.3], { against: "Map" }),
];

function of(
  backend: BackendName,
  keys: number,
  bytes: number,
  [set, get, remove]: readonly number[],
  more: Partial<Bars> = {},
): Bars {
  const most = { ...(set && { set }), ...(get && { get }), ...(remove && { delete: remove }) };
  return { backend, keys, bytes, against: "best", most, ...more };
}

export interface Acceptance {
  readonly rows: readonly Row[];
  readonly servers: { readonly [backend in BackendName]?: string };
  readonly comparisons: readonly (Comparison & { readonly backend: BackendName })[];
}

/** Measures the comparisons of the acceptance table for the given backends. */
export async function runAcceptance(
  names: readonly BackendName[],
  limits: Limits,
  progress: (text: string) => void,
): Promise<Acceptance> {
  const rows: Row[] = [];
  const servers: { [backend in BackendName]?: string } = {};
  const comparisons: (Comparison & { backend: BackendName })[] = [];
  for (const name of BACKENDS.filter((each) => names.includes(each))) {
    const backend = backends[name];
    await using running = await backend.start();
    servers[name] = running.server;
    for (const bar of bars.filter((each) => each.backend === name)) {
      const shape: Shape = { keys: bar.keys, bytes: bar.bytes, hits: "all" };
      await using set = await running.contenders("clients", shape.keys);
      const comparison = await compare(set.contenders, shape, {
        ...samplingOf(shape, backend.keysPerSample, limits),
        ...(name === "dynamodb" && { clock: "cpu" }),
        ...(running.background && { background: running.background }),
        ...(running.cleanUp && { cleanUp: running.cleanUp }),
      });
      progress(`${comparisonTable(backend.title, comparison)}\n`);
      comparisons.push({ backend: name, ...comparison });
      rows.push(...rowsOf(bar, shape, comparison));
    }
  }
  return { rows, servers, comparisons };
}

/** Batches of up to this many keys have 500 warm-up rounds by default. Larger batches have at most 100. */
const smallBatch = 100;

export function samplingOf({ keys }: Shape, keysPerSample: number, limits: Limits): Sampling {
  const seconds = limits.seconds ?? 10;
  return {
    callsPerSample: Math.max(1, Math.min(20, Math.floor(keysPerSample / keys))),
    ...(keys <= smallBatch
      ? { warmUpRounds: limits.warmUpRounds ?? 500 }
      : { warmUpRounds: limits.warmUpRounds ?? 100, warmUpSeconds: seconds / 2 }),
    rounds: limits.rounds ?? 500,
    seconds,
  };
}

function rowsOf({ backend, against, most, subjects = ["manykv"] }: Bars, shape: Shape, comparison: Comparison): Row[] {
  const times = (contender: string, operation: Operation): readonly number[] =>
    comparison.timings.find((each) => each.contender === contender && each.operation === operation)?.times ?? [];
  const { title } = backends[backend];
  const rows: Row[] = [];
  for (const subject of subjects) {
    const prefix = subject === "manykv" ? title : `${title} (caller's client)`;
    for (const operation of OPERATIONS) {
      const bar = most[operation];
      if (bar === undefined) continue;
      const other = against === "best" ? fastestClient(comparison, operation) : against;
      const parts = {
        operation: `${prefix} ${operation}`,
        size: describeShape(shape),
        unit: "x",
        bar,
      } as const;
      // If a client fails, the fastest of the other clients is not necessarily the best client.
      const failure = comparison.failures.find(
        (each) => each.operation === operation && (against === "best" || [subject, other].includes(each.contender)),
      );
      const label = `${other}${backend === "dynamodb" ? ", CPU time" : against === "best" ? " (best)" : ""}`;
      const result = failure
        ? `${failure.contender} ${failure.reason}`
        : ratio(times(subject, operation), times(other, operation));
      rows.push(row({ ...parts, against: failure ? against : label }, result));
    }
  }
  return rows;
}

function fastestClient({ timings }: Comparison, operation: Operation): string {
  const clients = timings.filter((each) => each.kind === "client" && each.operation === operation);
  const medians = clients.map(({ contender, times }) => ({ contender, median: spread(times).median }));
  return medians.sort((left, right) => left.median - right.median)[0]?.contender ?? "no client";
}
