// Loaded into the child processes of cases and tests during the run without mutants. At the end of the process, writes
// the ids of the mutants that it executed into the folder that the environment names.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { strykerNamespace } from "./stryker-namespace.js";

const folder = process.env["MANYKV_MUTATION_COVERAGE"];
if (folder !== undefined)
  process.on("exit", () => {
    const { static: outside = {}, perTest = {} } = strykerNamespace().mutantCoverage ?? {};
    const ids = [outside, ...Object.values(perTest)].flatMap(Object.keys);
    if (ids.length > 0) writeFileSync(join(folder, `${process.pid}-${Date.now()}`), ids.join("\n"));
  });
