import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { application, run } from "./support/application.js";
import { expectSuccess, servers, target, urlOf } from "./support/targets.js";

const require = createRequire(import.meta.url);

interface TestRunner {
  readonly name: string;
  /** The folder in `programs/runners`. */
  readonly folder: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** The line of the output that says how many tests passed. */
  readonly summary: RegExp;
}

/** Returns the path of a program that a package has, even if the package does not export it. */
function programOf(name: string, file: string): string {
  return join(dirname(require.resolve(`${name}/package.json`)), file);
}

const jest = programOf("jest", "bin/jest.js");
const vitest = programOf("vitest", "vitest.mjs");
const mocha = programOf("mocha", "bin/mocha.js");

const runners: readonly TestRunner[] = [
  { name: "Jest's defaults", folder: "jest", args: [jest], summary: /^Tests: .* [4-9]\d\d passed/m },
  { name: "Jest with fake timers", folder: "jest-fake-timers", args: [jest], summary: /^Tests: +6 passed, 6 total$/m },
  {
    name: "Jest with ECMAScript modules",
    folder: "jest-modules",
    args: [jest],
    env: { NODE_OPTIONS: "--experimental-vm-modules" },
    summary: /^Tests: +10 passed, 10 total$/m,
  },
  { name: "Vitest", folder: "vitest", args: [vitest, "run"], summary: /^ +Tests +10 passed \(10\)$/m },
  { name: "node:test", folder: "node-test", args: ["--test", "--test-reporter=tap"], summary: /^# pass 10$/m },
  { name: "Mocha", folder: "mocha", args: [mocha, "walk.test.cjs"], summary: /^ +5 passing/m },
];

let urls: string[];

beforeAll(() => {
  urls = ["memory:", ...servers.map((backend) => urlOf(target(backend)))];
});

test.each(runners)("the tests of an application run in $name", async ({ folder, args, env, summary }) => {
  const cwd = join(application, "runners", folder);
  const environment = { NO_COLOR: "1", MANYKV_URLS: JSON.stringify(urls), ...env };
  const ended = await run(process.execPath, args, environment, { cwd });
  expectSuccess(ended);
  expect(ended.output).toMatch(summary);
});
