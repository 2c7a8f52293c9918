import type { Abilities } from "@manykv/core";
import type { CaseContext } from "../case-context.js";
import type { Ability } from "../conformance-case.js";
import type { ConformanceHarness } from "../harness.js";
import { SkipCase } from "../skip-case.js";

const known: WeakMap<ConformanceHarness, Abilities> = new WeakMap();

/** Returns the abilities that `store.describe()` reports. Calls it once per backend. */
export async function abilitiesOf(context: CaseContext): Promise<Abilities> {
  const { harness } = context;
  const abilities = known.get(harness) ?? (await (await context.store()).describe()).abilities;
  known.set(harness, abilities);
  return abilities;
}

/** Skips the case unless the backend has all of these abilities. */
export async function skipUnless(context: CaseContext, needs: readonly Ability[] = []): Promise<void> {
  if (needs.length === 0) return;
  const abilities = await abilitiesOf(context);
  const lacking = needs.filter((ability) => !abilities[ability]);
  if (lacking.length === 0) return;
  throw new SkipCase("ability", `the backend lacks ${lacking.map((name) => `\`${name}\``).join(" and ")}`);
}
