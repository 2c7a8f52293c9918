import { execFile } from "node:child_process";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, expectTypeOf, test } from "vitest";
import { cases, type Runner } from "../../src/index.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
let directory: string;

beforeAll(async () => {
  // The directory is inside the package, so that the programs can import `@manykv/core`.
  directory = await mkdtemp(join(root, "node_modules", ".node-test-"));
  const tsc = join(root, "../node_modules/.bin/tsc");
  const flags = "--ignoreConfig --module nodenext --target es2023 --types node --skipLibCheck".split(" ");
  await promisify(execFile)(tsc, [...flags, "--outDir", directory, join(root, "test/reference-driver.ts")]);
  await rename(join(directory, "reference-driver.js"), join(directory, "reference-driver.mjs"));
});

afterAll(() => rm(directory, { recursive: true }));

test("node:test satisfies the type Runner", () => {
  expectTypeOf<typeof import("node:test")>().toExtend<Runner>();
});

test("under node:test, every case passes or is skipped with a reason", {
  timeout: 180_000,
}, async () => {
  const { output, exitCode } = await runUnderNodeTest("passes", "");
  const counts = countsIn(output);
  expect(exitCode).toBe(0);
  expect(counts).toMatchObject({ fail: 0, cancelled: 0 });
  // The cases are inside two levels of `describe`, so their lines are indented.
  expect(output.match(/^\s+(?:not )?ok \d+ - \w+-[\w-]+ \(\w+\): /gm)?.length).toBe(cases.length);
  const needServersOrChild = cases.filter(({ id, subject }) => subject === "network" || id.includes("-process-"));
  expect(counts.skipped).toBe(needServersOrChild.length + 3);
  expect(output).toMatch(/skipped s09-network-late-write: the harness has no `servers`/);
  expect(output).toMatch(/skipped driver-with-prepare-set: the driver has no `prepareSet`/);
  expect(output).toMatch(/skipped driver-with-provision: the driver has no `provision`/);
  expect(output).toMatch(/skipped same-steady-refusals: the harness has no `refusals`/);
});

test("under node:test, the run fails for a broken backend", { timeout: 180_000 }, async () => {
  const broken = "driver.delete = async () => ({});";
  const { output, exitCode } = await runUnderNodeTest("fails", broken, "--test-name-pattern=s07-batch-then-single");
  expect(exitCode).not.toBe(0);
  expect(output).toMatch(/not ok \d+ - s07-batch-then-single \(driver\): /);
});

/** Runs the suite under node:test in a plain JavaScript program. `change` is code that can break the driver. */
async function runUnderNodeTest(
  name: string,
  change: string,
  ...flags: string[]
): Promise<{ output: string; exitCode: number }> {
  const program = join(directory, `${name}.test.mjs`);
  await writeFile(
    program,
    `import { describe, test } from "node:test";
import { conformanceSuite } from ${JSON.stringify(join(root, "dist/index.js"))};
import { referenceDriver } from "./reference-driver.mjs";

const data = new Map();
conformanceSuite({ describe, test }, {
  name: "node-test",
  modelRuns: 50,
  driver: () => {
    const driver = referenceDriver(data);
    ${change}
    return driver;
  },
});
`,
  );
  return new Promise((resolve) => {
    const options = ["--test", "--test-reporter=tap", ...flags, program];
    execFile(process.execPath, options, { maxBuffer: 2 ** 28 }, (error, output) => {
      resolve({ output, exitCode: error === null ? 0 : Number(error.code) });
    });
  });
}

/** Returns the counts at the end of a TAP report. */
function countsIn(output: string): { fail?: number; skipped?: number } {
  const lines = output.matchAll(/^# (\w+) (\d+)$/gm);
  return Object.fromEntries([...lines].map(([, name, count]) => [name as string, Number(count)]));
}
