import type { ConformanceCase } from "./conformance-case.js";
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

const rulesOfAbilities: readonly Rule[] = ["S17", "S18", "S19", "S20", "S21", "S22"];

/** Returns the lowest level that includes the case. */
export function levelOf({ rule, subject, needs = [], wit = [] }: ConformanceCase): Level {
  if (subject === "ability" || needs.length > 0 || rulesOfAbilities.includes(rule)) return "abilities";
  return wit.length > 0 ? "batch" : "outcomes";
}
