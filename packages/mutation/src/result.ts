import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Equivalent, findEquivalent } from "./equivalents.js";
import { isDetected, type Mutant, type Status } from "./mutant.js";
import type { State } from "./state.js";
import type { TargetName } from "./targets.js";

/** What one run found. `packages/mutation/results` contains the last result of each target. */
export interface Result {
  readonly target: TargetName;
  /** Day of the run, such as `2026-01-31`. */
  readonly date: string;
  readonly seed: number;
  /** Number of mutants of the package, without those that only change messages. */
  readonly mutants: number;
  /** Number of mutants that only change messages. */
  readonly messages: number;
  /** Number of mutants in the sample. */
  readonly sample: number;
  /** The mutants of the sample that behave like the original. They do not count in the scores. */
  readonly equivalent: readonly Survivor[];
  /** Detected by the published suite. */
  readonly bySuite: number;
  /** Of these, detected because a case did not end. */
  readonly timeouts: number;
  /** Survivors of the suite that the package's tests detected. Absent if the tests did not run. */
  readonly byTests?: number;
  /** Mutants that the suite did not detect. */
  readonly survivors: readonly Survivor[];
}

export interface Survivor extends Pick<Mutant, "file" | "line" | "text" | "mutator" | "original" | "replacement"> {
  readonly suite?: Status;
  readonly tests?: Status;
  /** The test that detected it. */
  readonly by?: string;
  /** Why it may stay, from the reviewed list. */
  readonly reason?: string;
}

export interface Run {
  readonly seed: number;
  readonly tests: boolean;
  readonly all: readonly Mutant[];
  readonly messages: number;
  readonly sample: readonly Mutant[];
  readonly equivalents: readonly Equivalent[];
  readonly state: State;
}

export function resultOf(target: TargetName, { seed, tests, all, messages, sample, equivalents, state }: Run): Result {
  const describe = (mutant: Mutant): Survivor => {
    const { file, line, text, mutator, original, replacement } = mutant;
    const byTests = state.testVerdicts[mutant.key];
    const suite = state.suiteVerdicts[mutant.key]?.status;
    const reason = findEquivalent(equivalents, mutant)?.reason;
    return {
      ...{ file, line, text, mutator, original, replacement },
      ...(suite !== undefined && { suite }),
      ...(byTests !== undefined && { tests: byTests.status }),
      ...(byTests?.by !== undefined && { by: byTests.by }),
      ...(reason !== undefined && { reason }),
    };
  };
  const isEquivalent = (mutant: Mutant): boolean => findEquivalent(equivalents, mutant)?.kind === "equivalent";
  const judged = sample.filter((mutant) => !isEquivalent(mutant));
  const statuses = judged.map(({ key }) => state.suiteVerdicts[key]);
  const detected = statuses.filter((verdict) => verdict !== undefined && isDetected(verdict));
  const survivors = judged.filter((_, index) => !detected.includes(statuses[index]));
  const byTests = survivors.filter(({ key }) => {
    const verdict = state.testVerdicts[key];
    return verdict !== undefined && isDetected(verdict);
  });
  return {
    target,
    date: new Date().toISOString().slice(0, 10),
    seed,
    mutants: all.length,
    messages,
    sample: sample.length,
    equivalent: sample.filter(isEquivalent).map(describe),
    bySuite: detected.length,
    timeouts: detected.filter((verdict) => verdict?.status === "timeout").length,
    ...(tests && { byTests: byTests.length }),
    survivors: survivors.map(describe),
  };
}

export async function writeResult(root: string, result: Result): Promise<void> {
  const folder = join(root, "packages/mutation/results");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${result.target}.json`), `${JSON.stringify(result, undefined, 2)}\n`);
}
