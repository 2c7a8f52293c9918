import { inTurn, quantiles, runRounds, thisMachine } from "@manykv/measure";
import type { Interrupt } from "../interrupt.js";
import type { Deployment, Method } from "./deployment.js";
import type { SizePlan } from "./plan.js";
import {
  type BenchOptions,
  type BenchResult,
  breakEvenOf,
  type CellResult,
  cellResult,
  type DeploymentResult,
  type Operation,
  operations,
} from "./result.js";
import { type Workload, workloads } from "./workload.js";

/** Shows a run while it lasts. */
export interface BenchDisplay {
  /** Called after each round, with the number of rounds of this size that have ended. */
  onRound(plan: SizePlan, round: number): void;
  /** Called after each size, with the results of all sizes so far. */
  onSize(deployments: readonly DeploymentResult[]): void;
}

interface Run {
  readonly version: string;
  /** A short name of each deployment for tables and charts. */
  readonly labels: readonly string[];
  readonly options: BenchOptions;
  readonly plans: readonly SizePlan[];
  readonly interrupt: Interrupt;
  readonly display: BenchDisplay;
}

const methods: readonly Method[] = ["batch", "single"];

/**
 * Measures the deployments in turn. In each round, every deployment sets, gets and deletes new keys. For each operation, the
 * batches and the single calls of all deployments run in a new random order, so that noise of the machine and of the network
 * affects all of them alike.
 */
export async function measure(deployments: readonly Deployment[], run: Run): Promise<BenchResult> {
  const { version, labels, options, plans, display } = run;
  const startedAt = new Date();
  const recordings = deployments.map((deployment, index) => new Recording(deployment, labels[index] as string));
  const makeWorkload = workloads(options.valueBytes, options.concurrency);
  for (const plan of plans) {
    let round = 0;
    await runRounds(plan, async (_, counts) => {
      await runRound(recordings, makeWorkload(plan.size), run, counts);
      display.onRound(plan, ++round);
    });
    for (const recording of recordings) recording.endSize(plan.size, options);
    display.onSize(recordings.map((recording) => recording.result(options)));
  }
  return {
    format: 1,
    manykv: version,
    machine: thisMachine(),
    startedAt: startedAt.toISOString(),
    milliseconds: Date.now() - startedAt.getTime(),
    options,
    deployments: recordings.map((recording) => recording.result(options)),
  };
}

async function runRound(
  recordings: readonly Recording[],
  workload: Workload,
  { options, interrupt: { stop } }: Run,
  counts: boolean,
): Promise<void> {
  const contenders = recordings.flatMap((recording) => methods.map((method) => ({ recording, method })));
  await inTurn(recordings, async (recording) => {
    stop.throwIfAborted();
    const time = await recording.deployment.measureRoundTrip();
    if (counts) recording.add("round trip", time);
  });
  for (const operation of operations) {
    const isMeasured = options.operations.includes(operation);
    // Without them, the other operations would find no key, or keys would remain.
    if (!isMeasured && operation === "get") continue;
    await inTurn(contenders, async ({ recording, method }) => {
      stop.throwIfAborted();
      const time = await recording.deployment.measure(workload, method, operation);
      if (counts && isMeasured) recording.add(`${method} ${operation}`, time);
    });
  }
  for (const { deployment } of recordings) await deployment.endRound(workload);
}

/** The times of one deployment, in milliseconds. */
class Recording {
  readonly deployment: Deployment;
  readonly #label: string;
  readonly #results: CellResult[] = [];
  readonly #roundTrips: number[] = [];
  #times = new Map<string, number[]>();

  constructor(deployment: Deployment, label: string) {
    this.deployment = deployment;
    this.#label = label;
  }

  add(what: "round trip" | `${Method} ${Operation}`, time: number): void {
    const times = this.#times.get(what) ?? [];
    this.#times.set(what, times);
    times.push(time);
  }

  /** Turns the times of one size into results. */
  endSize(size: number, { operations: measured, concurrency }: BenchOptions): void {
    const timesOf = (what: string): readonly number[] => this.#times.get(what) ?? [];
    const roundTrip = timesOf("round trip");
    for (const operation of measured) {
      const times = { batch: timesOf(`batch ${operation}`), single: timesOf(`single ${operation}`), roundTrip };
      this.#results.push(cellResult(operation, size, concurrency, times));
    }
    this.#roundTrips.push(...roundTrip);
    this.#times = new Map();
  }

  result({ operations: measured }: BenchOptions): DeploymentResult {
    const { name, keysWritten, description } = this.deployment;
    const { driver, product, version, topology } = description;
    return {
      name,
      label: this.#label,
      driver,
      product,
      version,
      topology,
      keysWritten,
      roundTrip: quantiles(this.#roundTrips),
      breakEven: Object.fromEntries(measured.map((operation) => [operation, breakEvenOf(this.#results, operation)])),
      results: [...this.#results],
    };
  }
}
