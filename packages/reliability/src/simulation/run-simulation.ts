import type { Anomaly } from "@manykv/conformance/checker";
import { runSchedule, type ScheduleResult } from "./run-schedule.js";

/** The result of many schedules. */
export interface SimulationResult {
  readonly runs: number;
  readonly calls: number;
  readonly outcomes: Readonly<Record<"applied" | "not-applied" | "unknown", number>>;
  readonly falseOutcomes: number;
  readonly unsettled: number;
  readonly undecided: number;
  readonly worstOverrun: number;
  /** The first failed schedules, at most 20. To repeat a schedule, pass its seed to `runSchedule`. */
  readonly failures: readonly { readonly seed: number; readonly anomalies: readonly Anomaly[] }[];
}

const mostFailures = 20;

/** Runs the schedules of the seeds from `seed` to `seed + runs - 1`. Calls `onFailure` for each failed schedule. */
export async function runSimulation(
  seed: number,
  runs: number,
  onFailure: (result: ScheduleResult) => void = () => {},
): Promise<SimulationResult> {
  // Creating stack traces would take a third of the time, and nothing reads them.
  Error.stackTraceLimit = 0;
  const outcomes = { applied: 0, "not-applied": 0, unknown: 0 };
  const failures: ScheduleResult[] = [];
  let calls = 0;
  let falseOutcomes = 0;
  let unsettled = 0;
  let undecided = 0;
  let worstOverrun = Number.NEGATIVE_INFINITY;
  for (let run = 0; run < runs; run++) {
    const result = await runSchedule((seed + run) >>> 0);
    calls += result.calls;
    undecided += result.undecided;
    worstOverrun = Math.max(worstOverrun, result.worstOverrun);
    for (const outcome of ["applied", "not-applied", "unknown"] as const) outcomes[outcome] += result.outcomes[outcome];
    if (result.anomalies.length === 0) continue;
    const never = result.anomalies.filter(({ kind }) => kind === "unsettled").length;
    unsettled += never;
    falseOutcomes += result.anomalies.length - never;
    if (failures.length < mostFailures) failures.push(result);
    onFailure(result);
  }
  return { runs, calls, outcomes, falseOutcomes, unsettled, undecided, worstOverrun, failures };
}
