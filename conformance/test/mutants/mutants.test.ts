import assert from "node:assert/strict";
import { describe, expect, test } from "vitest";
import { CaseContext, cases, rules } from "../../src/index.js";
import { SkipCase } from "../../src/skip-case.js";
import { randomSeed } from "../../src/support/random-name.js";
import { pause } from "../../src/support/settles.js";

import { batchMutants } from "./batch-mutants.js";
import { engineMutants } from "./engine-mutants.js";
import { errorMutants } from "./error-mutants.js";
import { expiryMutants } from "./expiry-mutants.js";
import { keyMutants } from "./key-mutants.js";
import { harnessOf, type Mutant } from "./mutant.js";
import { outcomeMutants } from "./outcome-mutants.js";
import { sameMutants } from "./same-mutants.js";
import { settlingMutants } from "./settling-mutants.js";
import { storeMutants } from "./store-mutants.js";
import { updateMutants } from "./update-mutants.js";
import { valueMutants } from "./value-mutants.js";

const mutants: readonly Mutant[] = [
  ...keyMutants,
  ...valueMutants,
  ...batchMutants,
  ...outcomeMutants,
  ...settlingMutants,
  ...storeMutants,
  ...errorMutants,
  ...sameMutants,
  ...expiryMutants,
  ...updateMutants,
  ...engineMutants,
];

describe("mutants", () => {
  test.concurrent.for(mutants.map((mutant) => [mutant.killedBy, mutant.name, mutant] as const))(
    "%s finds a backend that %s",
    { timeout: 60_000 },
    async ([killedBy, , mutant]) => {
      const error = await failureOf(killedBy, mutant);
      assert.ok(error !== undefined, `${killedBy} must fail, but passes on a backend that ${mutant.name}`);
      assert.ok(!(error instanceof SkipCase), `${killedBy} must fail, but skips itself`);
    },
  );

  test("each rule has mutants, and mutants target at least 20 cases", () => {
    const found = new Set(mutants.map(({ rule }) => rule));
    expect([...found].sort()).toEqual(Object.keys(rules).sort());
    expect(new Set(mutants.map(({ killedBy }) => killedBy)).size).toBeGreaterThanOrEqual(20);
  });

  test("each rule has a mutant of `createStore`", () => {
    const portable = new Set(mutants.filter(({ createStore }) => createStore).map(({ rule }) => rule));
    expect([...portable].sort()).toEqual(Object.keys(rules).sort());
  });
});

/**
 * Returns the error that a case reports for a mutant, or `undefined` if the case passes. Ignores errors during cleanup.
 */
async function failureOf(id: string, mutant: Mutant): Promise<unknown> {
  const found = cases.find((one) => one.id === id);
  assert.ok(found, `no case has the id ${id}: correct \`killedBy\` of the mutant`);
  const context = new CaseContext(harnessOf(mutant), randomSeed());
  try {
    await found.run(context);
    return undefined;
  } catch (error) {
    return error;
  } finally {
    // The store of a mutant whose calls never settle may never close.
    await Promise.race([context.close().catch(() => {}), pause(500)]);
  }
}
