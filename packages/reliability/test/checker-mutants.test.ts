import { describe, expect, test } from "vitest";
import { bucketMutants } from "./mutants/bucket-mutants.js";
import { driverMutants } from "./mutants/driver-mutants.js";
import { runWorkload } from "./mutants/workload.js";

const seeds = Array.from({ length: 300 }, (_, index) => index + 1);

describe("planted bugs", () => {
  test("the checker finds nothing without a planted bug", async () => {
    for (const seed of seeds) expect(await runWorkload(seed, {}), `seed ${seed}`).toEqual([]);
  });

  const mutants = [...driverMutants, ...bucketMutants];
  test("there are at least 55 planted bugs", () => {
    expect(new Set(mutants.map(({ name }) => name)).size).toBeGreaterThanOrEqual(55);
  });

  test.each(mutants)("the checker detects a store that $name", async ({ found, ...plant }) => {
    const kinds = new Set<string>();
    for (const seed of seeds) {
      for (const { kind } of await runWorkload(seed, plant)) kinds.add(kind);
      if (found.some((kind) => kinds.has(kind))) return;
    }
    expect.fail(
      `the checker must detect the bug within ${seeds.length} runs, but found only: ${[...kinds].join(", ")}`,
    );
  });
});
