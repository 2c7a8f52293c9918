import { lowestMedian, type Machine, type Quantiles, quantiles, ratios } from "@manykv/measure";

export type Operation = "set" | "get" | "delete";

/** In the order in which a round runs them. */
export const operations: readonly Operation[] = ["set", "get", "delete"];

/** The method of a bucket that each operation measures. */
export const batchMethods: Readonly<Record<Operation, string>> = {
  set: "setMany",
  get: "getMany",
  delete: "deleteMany",
};

/** What `manykv bench --json` writes. */
export interface BenchResult {
  /** Version of this format. It grows with each change that could break a reader. */
  readonly format: 1;
  /** Version of the package `manykv`. */
  readonly manykv: string;
  /** The machine that ran the command, with its version of Node.js. */
  readonly machine: Machine;
  /** When the measurement started, in ISO 8601. */
  readonly startedAt: string;
  readonly milliseconds: number;
  readonly options: BenchOptions;
  readonly deployments: readonly DeploymentResult[];
}

/** The options of a run, with their defaults. */
export interface BenchOptions {
  /** Numbers of keys in a batch, in ascending order. */
  readonly sizes: readonly number[];
  readonly operations: readonly Operation[];
  readonly valueBytes: number;
  /** Number of batches that are sent at the same time. */
  readonly concurrency: number;
  /** Time in which a size is measured, in milliseconds. */
  readonly duration: number;
  /** Maximum number of rounds for each size. */
  readonly rounds: number;
  /** Maximum number of keys to write to each store. */
  readonly maxKeys: number;
}

export interface DeploymentResult {
  /** Contains no user, password or parameter of the URL. */
  readonly name: string;
  /** A short name for tables and charts, which no other deployment of the run has. */
  readonly label: string;
  readonly driver: string;
  readonly product: string | undefined;
  readonly version: string | undefined;
  readonly topology: string | undefined;
  /** Number of keys that the run wrote and deleted. */
  readonly keysWritten: number;
  /** Time of the cheapest request, a `get` of a missing key, in milliseconds. */
  readonly roundTrip: Quantiles;
  /**
   * Number of keys from which batches are faster than single calls: the smallest size at which, and above which, `isFaster`
   * is always `true`. `null` if there is no such size.
   */
  readonly breakEven: { readonly [operation in Operation]?: number | null };
  readonly results: readonly CellResult[];
}

/** The figures of one operation at one size. */
export interface CellResult {
  readonly operation: Operation;
  readonly size: number;
  readonly rounds: number;
  readonly batch: Figures;
  /** Single calls for as many keys, all at the same time. */
  readonly single: Figures;
  /** The time of the single calls, divided by the time of the batch in the same round. */
  readonly speedup: Quantiles;
  /** Whether the median of `speedup` is above 1, also at the lower limit of its 95 % confidence interval. */
  readonly isFaster: boolean;
}

export interface Figures {
  /** Time until the last key is answered. */
  readonly milliseconds: Quantiles;
  /** Number of keys divided by the median time. */
  readonly keysPerSecond: number;
  /** The median time, as a multiple of the plain round trip in the same round. */
  readonly roundTrips: number;
}

/** The times of one operation of one deployment, in milliseconds. The same index means the same round. */
export interface CellTimes {
  readonly batch: readonly number[];
  readonly single: readonly number[];
  readonly roundTrip: readonly number[];
}

export function cellResult(
  operation: Operation,
  size: number,
  concurrency: number,
  { batch, single, roundTrip }: CellTimes,
): CellResult {
  const figuresOf = (times: readonly number[]): Figures => {
    const milliseconds = quantiles(times);
    return {
      milliseconds,
      keysPerSecond: (1000 * size * concurrency) / milliseconds.p50,
      roundTrips: quantiles(ratios(times, roundTrip)).p50,
    };
  };
  const speedups = ratios(single, batch);
  return {
    operation,
    size,
    rounds: batch.length,
    batch: figuresOf(batch),
    single: figuresOf(single),
    speedup: quantiles(speedups),
    isFaster: lowestMedian(speedups) > 1,
  };
}

/** Returns {@link DeploymentResult.breakEven} of one operation. */
export function breakEvenOf(results: readonly CellResult[], operation: Operation): number | null {
  const descending = results.filter((each) => each.operation === operation).sort((one, other) => other.size - one.size);
  const firstSlow = descending.findIndex(({ isFaster }) => !isFaster);
  const fast = firstSlow === -1 ? descending : descending.slice(0, firstSlow);
  return fast.at(-1)?.size ?? null;
}
