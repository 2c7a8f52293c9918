import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { MemoryLevel } from "memory-level";
import { afterAll } from "vitest";
import { LevelDriver } from "../../dist/adapters/level.js";
import { testAdapter } from "./adapter-suite.js";

const folder = await mkdtemp(join(tmpdir(), "level-"));
const classic = new ClassicLevel(folder);
const memory = new MemoryLevel();
afterAll(async () => {
  await memory.close();
  await classic.close();
  await rm(folder, { recursive: true });
});

testAdapter({ name: "classic-level", file: "level.ts", driver: () => new LevelDriver(classic), faults: [] });

testAdapter({
  name: "memory-level",
  file: "level.ts",
  driver: () => new LevelDriver(memory),
  faults: [
    {
      proof: "memory-level-starves-timers",
      report: /awaited calls must let a timer of 0 ms run/,
      cases: ["same-event-loop"],
    },
  ],
});
