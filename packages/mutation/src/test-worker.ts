// A process that runs the tests of a sandbox with vitest, with one mutant after the other.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createVitest, type TestModule } from "vitest/node";
import { activeMutantVariable } from "./stryker-namespace.js";
import type { FromTestWorker, TestFile, ToTestWorker } from "./test-protocol.js";

const [root = "", projects = "[]"] = process.argv.slice(2);
const send = (message: FromTestWorker): void => void process.send?.(message);
process.on("disconnect", () => process.exit());
process.chdir(root);

const vitest = await createVitest("test", {
  root,
  project: JSON.parse(projects),
  watch: false,
  reporters: [{}],
  // Rerunning a mutant's tests must not depend on what a run before wrote.
  cache: false,
});
for (const project of vitest.projects)
  project.config.setupFiles.push(fileURLToPath(new URL("test-coverage.js", import.meta.url)));
const specifications = await vitest.globTestSpecifications();

process.on("message", (message: ToTestWorker) => void handle(message));
send({ type: "ready" });

async function handle(message: ToTestWorker): Promise<void> {
  if (message.type === "cover") return send({ type: "covered", files: await cover() });
  process.env[activeMutantVariable] = message.mutant;
  for (const path of message.files) {
    const failed = await run(path);
    if (failed !== undefined) return send({ type: "done", failed });
  }
  send({ type: "done" });
}

/** Runs the tests of a file and returns the first failure. */
async function run(path: string): Promise<string | undefined> {
  const chosen = specifications.filter(({ moduleId }) => moduleId === path);
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(chosen);
  // vitest also returns the results of earlier runs of other files.
  for (const module of testModules.filter(({ moduleId }) => moduleId === path)) {
    for (const test of module.children.allTests("failed")) return test.fullName;
    if (module.state() === "failed") return module.relativeModuleId;
  }
  return unhandledErrors.length > 0 ? `unhandled: ${String(unhandledErrors[0])}` : undefined;
}

async function cover(): Promise<readonly TestFile[]> {
  const folder = mkdtempSync(join(tmpdir(), "manykv-mutation-"));
  process.env["MANYKV_MUTATION_TESTS"] = folder;
  const { testModules } = await vitest.runTestSpecifications(specifications);
  delete process.env["MANYKV_MUTATION_TESTS"];
  const mutants = new Map<string, readonly string[]>();
  for (const name of readdirSync(folder))
    if (name.endsWith(".json")) {
      const { file, ids } = JSON.parse(readFileSync(join(folder, name), "utf8"));
      mutants.set(file, ids);
    }
  rmSync(folder, { recursive: true });
  return testModules.map((module: TestModule) => ({
    path: module.moduleId,
    passed: module.ok(),
    milliseconds: module.diagnostic().duration,
    mutants: mutants.get(module.moduleId) ?? [],
  }));
}
