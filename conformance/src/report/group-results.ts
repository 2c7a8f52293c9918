import type { CaseResult } from "../results.js";
import { type Rule, rules } from "../rules.js";

/** The results of a rule's cases, or of the cases with the same reason. */
export interface Group<Name> {
  readonly name: Name;
  readonly results: readonly CaseResult[];
}

/** Groups results by rule, in the order of the rules. Omits rules without a result. */
export function byRule(results: readonly CaseResult[]): readonly Group<Rule>[] {
  const names = Object.keys(rules) as Rule[];
  return groupBy(results, ({ rule }) => rule).sort((one, other) => names.indexOf(one.name) - names.indexOf(other.name));
}

/** Groups the results of skipped cases by reason. The reason of the most cases is first. */
export function byReason(results: readonly CaseResult[]): readonly Group<string>[] {
  const skipped = results.filter(({ status }) => status === "skipped");
  return groupBy(skipped, ({ reason = "" }) => reason).sort((one, other) => other.results.length - one.results.length);
}

function groupBy<Name>(results: readonly CaseResult[], nameOf: (result: CaseResult) => Name): Group<Name>[] {
  const groups = new Map<Name, CaseResult[]>();
  for (const result of results) {
    const group = groups.get(nameOf(result));
    if (group === undefined) groups.set(nameOf(result), [result]);
    else group.push(result);
  }
  return [...groups].map(([name, grouped]) => ({ name, results: grouped }));
}

const statuses: readonly CaseResult["status"][] = ["failed", "passed", "skipped"];

/** Returns how many results have each status that occurs, such as `2 failed, 31 passed`. */
export function describeCounts(results: readonly CaseResult[]): string {
  return countsOf(results)
    .map(([status, count]) => `${count} ${status}`)
    .join(", ");
}

/** Returns each status that occurs with its number of results: failures first. */
export function countsOf(results: readonly CaseResult[]): readonly (readonly [CaseResult["status"], number])[] {
  const counted = statuses.map((status) => [status, results.filter((each) => each.status === status).length] as const);
  return counted.filter(([, count]) => count > 0);
}
