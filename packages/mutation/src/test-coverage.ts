// A setup file of vitest for the run without mutants: after the tests of a file, writes the ids of the mutants that they
// executed, and those that their child processes executed.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, expect } from "vitest";
import { strykerNamespace } from "./stryker-namespace.js";

const folder = process.env["MANYKV_MUTATION_TESTS"];
const file = expect.getState().testPath;
if (folder !== undefined && file !== undefined) {
  const children = join(folder, `${basename(file)}-${process.pid}`);
  mkdirSync(children, { recursive: true });
  process.env["MANYKV_MUTATION_COVERAGE"] = children;
  process.env["NODE_OPTIONS"] = `--import ${new URL("child-coverage.js", import.meta.url).href}`;
  afterAll(() => {
    const { static: outside = {}, perTest = {} } = strykerNamespace().mutantCoverage ?? {};
    const ids = [outside, ...Object.values(perTest)].flatMap(Object.keys);
    for (const name of readdirSync(children)) ids.push(...readFileSync(join(children, name), "utf8").split("\n"));
    writeFileSync(`${children}.json`, JSON.stringify({ file, ids: [...new Set(ids)] }));
  });
}
