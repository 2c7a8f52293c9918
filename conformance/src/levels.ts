import type { ConformanceCase } from "./conformance-case.js";
import type { CaseResult } from "./results.js";
import type { Rule } from "./rules.js";

/**
 * What a backend can claim. Each level includes the levels before it.
 *
 * - `batch`: the sentences of `wasi:keyvalue/batch`.
 * - `outcomes`: every other rule, such as the true outcome of every key when something breaks.
 * - `abilities`: all optional abilities, such as expiry and increments.
 */
export type Level = "batch" | "outcomes" | "abilities";

/** The levels, from the lowest to the highest. */
export const levels: readonly Level[] = ["batch", "outcomes", "abilities"];

/** The id of the smoke case. */
export const smokeId = "driver-smoke";

const rulesOfAbilities: readonly Rule[] = ["S17", "S18", "S19", "S20", "S21", "S22"];

/** Returns the lowest level that includes the case. */
export function levelOf({ id, rule, subject, needs = [], wit = [] }: ConformanceCase): Level {
  if (id === smokeId) return "batch";
  if (subject === "ability" || needs.length > 0 || rulesOfAbilities.includes(rule)) return "abilities";
  return wit.length > 0 ? "batch" : "outcomes";
}

/**
 * Whether the backend can claim a level.
 *
 * - `passed`: every case of the level and of the lower levels passed or was not applicable.
 * - `failed`: one of these cases failed, or a promise rejection stayed unhandled during the run.
 * - `incomplete`: none failed, but one was skipped because the harness asked for it or the backend lacks an ability, or
 *   one did not run.
 */
export type LevelStatus = "passed" | "failed" | "incomplete";

/** Returns the status of each level after all `cases`. A case without a result did not run. */
export function levelsOf(
  cases: readonly ConformanceCase[],
  results: ReadonlyMap<string, CaseResult>,
): Record<Level, LevelStatus> {
  const counts = (result: CaseResult | undefined): boolean =>
    result?.status === "passed" || result?.skip === "not-applicable";
  const statusOf = (level: Level): LevelStatus => {
    const included = levels.slice(0, levels.indexOf(level) + 1);
    const found = cases.filter((one) => included.includes(levelOf(one))).map(({ id }) => results.get(id));
    if (found.some((result) => result?.status === "failed")) return "failed";
    return found.every(counts) ? "passed" : "incomplete";
  };
  return { batch: statusOf("batch"), outcomes: statusOf("outcomes"), abilities: statusOf("abilities") };
}
