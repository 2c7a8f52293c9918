#!/usr/bin/env node
import { shapesOf } from "./command/plan.js";
import { runRaces } from "./command/run.js";

const names = (process.argv[2] ?? "memory").split(",") as never[];
const keys = (process.argv[3] ?? "1000").split(",").map(Number);
await runRaces({
  backends: names,
  tracks: ["batch", "core"],
  shapes: shapesOf(keys, [100], ["all"]),
  effort: { rounds: 60, warmUp: 10, seconds: 8 },
});
