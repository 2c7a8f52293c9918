import { describe, expect, test } from "vitest";
import { runSchedule } from "../src/simulation/run-schedule.js";
import { runSimulation } from "../src/simulation/run-simulation.js";

/** About three times what the schedules need on a busy machine, in milliseconds. */
const longTimeout = 600_000;

describe("simulated schedules", () => {
  test(
    "8,000 schedules have no false outcome, and every call settles",
    async () => {
      const seed = Math.floor(Math.random() * 2 ** 31);
      const result = await runSimulation(seed, 8_000);
      expect(
        result.failures,
        "to repeat a schedule: npx -y pnpm@12 campaign --only simulation --size 1 --seed <the seed of the failure>",
      ).toEqual([]);
      expect(result.unsettled).toBe(0);
      expect(result.undecided).toBe(0);
      expect(result.worstOverrun).toBeLessThanOrEqual(250);
      // If an outcome were rare, the schedules would not test it.
      for (const count of Object.values(result.outcomes)) expect(count).toBeGreaterThan(400);
    },
    longTimeout,
  );

  test("a seed repeats its schedule", async () => {
    const first = await runSchedule(4711);
    const second = await runSchedule(4711);
    expect(second).toEqual(first);
    expect(await runSchedule(4712)).not.toEqual({ ...first, seed: 4712 });
  });
});
