import type { ConformanceCase, ConformanceHarness, Level, Rule } from "@manykv/conformance";
import { InvalidArgumentError } from "commander";
import { CommandError, exitCode } from "../errors.js";
import type { Conformance } from "./load-conformance.js";

/** Options that choose the cases. */
export interface CaseFlags {
  readonly level?: Level;
  readonly only?: readonly string[];
  readonly rule?: readonly string[];
  readonly skip?: readonly string[];
}

export const levelNames: readonly Level[] = ["batch", "outcomes", "abilities"];

/** Returns which cases to run. Throws if an option names an unknown case or rule. */
export function chosenCases(
  { cases, levels, levelOf, rules }: Conformance,
  { level, only, rule }: CaseFlags,
): (one: ConformanceCase) => boolean {
  if (level !== undefined) {
    if (only !== undefined || rule !== undefined)
      throw new CommandError(exitCode.usage, "--level needs all cases of the level: remove --only and --rule");
    return (one) => levels.indexOf(levelOf(one)) <= levels.indexOf(level);
  }
  const ids = only?.map((id) => knownId(cases, id));
  const names = rule?.map((name) => knownRule(rules, name));
  return ({ id, rule: own }) => (ids?.includes(id) ?? true) && (names?.includes(own) ?? true);
}

/** Adds the cases of `--skip id=reason` to those that the harness skips. */
export function withSkips(
  { cases }: Conformance,
  harness: ConformanceHarness,
  skip: readonly string[] = [],
): ConformanceHarness {
  const given = skip.map((text) => {
    const [, id = "", reason = ""] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
    if (reason.trim() === "")
      throw new CommandError(exitCode.usage, "--skip needs a case and a reason, such as --skip s16-idle='it is slow'");
    return [knownId(cases, id), reason] as const;
  });
  return { ...harness, skip: { ...harness.skip, ...Object.fromEntries(given) } };
}

/** Parses the seed of a run. */
export function parseSeed(text: string): number {
  const seed = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(seed)) return seed;
  throw new InvalidArgumentError("Pass the seed of an earlier run: an integer of 0 or more.");
}

function knownId(cases: readonly ConformanceCase[], id: string): string {
  const ids = cases.map((one) => one.id);
  if (ids.includes(id)) return id;
  // A message must not repeat a URL with a password, which a user may have written after --only.
  if (!/^[a-z0-9-]+$/.test(id))
    throw new CommandError(exitCode.usage, "--only and --skip take ids of cases: pass the target before them");
  const similar = ids.filter((each) => each.startsWith(id) || each.includes(id)).slice(0, 3);
  const advice =
    similar.length > 0 ? `did you mean ${similar.join(" or ")}?` : "see docs/cases.md of @manykv/conformance";
  throw new CommandError(exitCode.usage, `no case has the id ${id}: ${advice}`);
}

function knownRule(rules: Conformance["rules"], name: string): Rule {
  const names = Object.keys(rules) as Rule[];
  const found = names.find((rule) => rule.toLowerCase() === name.toLowerCase());
  if (found !== undefined) return found;
  throw new CommandError(exitCode.usage, `unknown rule: --rule takes ${names.join(", ")}. Pass the target before it`);
}
