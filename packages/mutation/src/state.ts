import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { isDetected, type Verdict } from "./mutant.js";
import type { SuiteCoverage } from "./suite-stage.js";

/** What earlier runs found, so that an interrupted run can go on. */
export interface State {
  /** Identifies the target's sources. Verdicts about other sources are dropped. */
  readonly sources: string;
  /** Identifies the cases. Detected mutants stay detected when cases change; survivors are tested again. */
  suite: string;
  coverage?: SuiteCoverage;
  /** Verdicts of the suite stage, by the key of the mutant. */
  suiteVerdicts: Record<string, Verdict>;
  /** Verdicts of the test stage about mutants that survived the suite. */
  testVerdicts: Record<string, Verdict>;
}

export async function readState(path: string, sources: string, suite: string): Promise<State> {
  const empty: State = { sources, suite, suiteVerdicts: {}, testVerdicts: {} };
  if (!existsSync(path)) return empty;
  const state = JSON.parse(await readFile(path, "utf8")) as State;
  if (state.sources !== sources) return empty;
  if (state.suite === suite) return state;
  const detected = Object.entries(state.suiteVerdicts).filter(([, verdict]) => isDetected(verdict));
  return { ...empty, suiteVerdicts: Object.fromEntries(detected), testVerdicts: state.testVerdicts };
}

export async function writeState(path: string, state: State): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, JSON.stringify(state));
  await rename(`${path}.new`, path);
}
