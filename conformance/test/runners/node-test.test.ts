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
  const needMore = cases.filter(({ id, subject }) => subject === "network" || /^\w+-engine-|-process-/.test(id));
  expect(counts.skipped).toBe(needMore.length + 6);
  expect(output).toMatch(/skipped s09-network-late-write: the harness has no `servers`/);
  expect(output).toMatch(/skipped driver-with-prepare-set: the driver has no `prepareSet`/);
  expect(output).toMatch(/skipped driver-with-provision: the driver has no `provision`/);
  expect(output).toMatch(/skipped same-steady-refusals: the harness has no `refusals`/);
  expect(output).toMatch(/skipped same-variants: the harness has no `variants`/);
  expect(output).toMatch(/skipped same-known-servers: the harness has no `knownServers`/);
  expect(output).toMatch(/skipped same-invalid-settings: the harness has no `invalidSettings`/);
});

test("under node:test, the run fails for a broken backend", { timeout: 180_000 }, async () => {
  const broken =
    "const { delete: remove } = driver; driver.delete = async (request) => request.keys.length > 1 ? {} : remove(request);";
  const { output, exitCode } = await runUnderNodeTest(
    "fails",
    broken,
    "--test-name-pattern=s07-delete-many-skips-missing",
  );
  expect(exitCode).not.toBe(0);
  expect(output).toMatch(/not ok \d+ - s07-delete-many-skips-missing \(driver\): /);
});

test("under node:test, the first 20 lines show why a driver fails at once", { timeout: 60_000 }, async () => {
  const { output, exitCode } = await runUnderNodeTest("smoke", wrongName, "--test-reporter=spec");
  expect(exitCode).not.toBe(0);
  const start = output.split("\n").slice(0, 20).join("\n");
  expect(start).toMatch(/TypeError: Cannot read properties of undefined \(reading 'map'\)\n +at .*smoke\.test\.mjs/);
  expect(output).toMatch(/^. tests \d+$/m);
  expect(output).toMatch(/^. fail 1$/m);
});

test("under vitest, the first 20 lines show why a driver fails at once", { timeout: 60_000 }, async () => {
  const file = join(directory, "vitest-smoke.test.mjs");
  await writeFile(file, programOf(wrongName, "vitest"));
  // By default, vitest ignores tests in `node_modules`.
  await writeFile(join(directory, "vitest.config.mjs"), "export default { test: { exclude: [] } };");
  const { output, exitCode } = await run(
    "../node_modules/vitest/vitest.mjs",
    "run",
    "--root",
    directory,
    "vitest-smoke",
  );
  expect(exitCode).not.toBe(0);
  const start = output.split("\n").slice(0, 20).join("\n");
  expect(start).toMatch(/TypeError: Cannot read properties of undefined \(reading 'map'\)\n +at .*vitest-smoke/);
  expect(output).toMatch(new RegExp(`1 failed \\| ${cases.length - 1} skipped`));
});

test("runSuite reports a rejection that stays unhandled, and ends", { timeout: 60_000 }, async () => {
  const file = join(directory, "unhandled.mjs");
  await writeFile(
    file,
    `import { runSuite } from ${JSON.stringify(join(root, "dist/index.js"))};
${harnessOf("const { list } = driver; driver.list = (request) => { void Promise.reject(new Error('not awaited')); return list(request); };")}
const { unhandled, levels } = await runSuite(harness, { only: ({ id }) => id === "s14-empty-bucket" });
console.log(JSON.stringify({ unhandled, levels }));
`,
  );
  const { output } = await run(file);
  const { unhandled, levels } = JSON.parse(output);
  expect(unhandled.length).toBeGreaterThan(0);
  expect(unhandled[0]).toMatch(/^Error: not awaited\n +at .*unhandled\.mjs/);
  expect(levels).toEqual({ batch: "failed", outcomes: "failed", abilities: "failed" });
});

/** Code that breaks a driver with a mistake that every author makes: a wrong name. */
const wrongName = "driver.get = async (request) => ({ values: request.keyList.map(() => undefined) });";

/** Runs the suite under node:test in a plain JavaScript program. `change` is code that can break the driver. */
async function runUnderNodeTest(name: string, change: string, ...flags: string[]): Promise<Ended> {
  const program = join(directory, `${name}.test.mjs`);
  await writeFile(program, programOf(change, "node:test"));
  return run(
    "--test",
    ...(flags.some((flag) => flag.includes("reporter")) ? [] : ["--test-reporter=tap"]),
    ...flags,
    program,
  );
}

function programOf(change: string, runner: string): string {
  return `import { describe, test } from ${JSON.stringify(runner)};
import { conformanceSuite } from ${JSON.stringify(join(root, "dist/index.js"))};
${harnessOf(change)}
conformanceSuite({ describe, test }, harness);
`;
}

/** Returns code that defines a harness for the reference driver. */
function harnessOf(change: string): string {
  return `import { referenceDriver } from "./reference-driver.mjs";
const data = new Map();
const harness = {
  name: "node-test",
  modelRuns: 50,
  driver: () => {
    const driver = referenceDriver(data);
    ${change}
    return driver;
  },
};`;
}

interface Ended {
  readonly output: string;
  readonly exitCode: number;
}

/** Runs Node.js in the folder of the package. */
function run(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const env = { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined };
    execFile(process.execPath, args, { cwd: root, env, maxBuffer: 2 ** 28 }, (error, output) => {
      resolve({ output, exitCode: error === null ? 0 : Number(error.code) });
    });
  });
}

/** Returns the counts at the end of a TAP report. */
function countsIn(output: string): { fail?: number; skipped?: number } {
  const lines = output.matchAll(/^# (\w+) (\d+)$/gm);
  return Object.fromEntries([...lines].map(([, name, count]) => [name as string, Number(count)]));
}
