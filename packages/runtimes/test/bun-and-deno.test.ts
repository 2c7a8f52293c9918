import { expect, test } from "vitest";
import { run } from "./support/application.js";
import { bun, deno } from "./support/binaries.js";
import { type Backend, conformanceEnvironment, expectSuccess, servers, target } from "./support/targets.js";

interface Runtime {
  readonly name: string;
  readonly file: string;
  readonly program: readonly string[];
  /** Arguments that run the conformance suite with the runtime's own test runner. */
  readonly suite: readonly string[];
  /** The number of passed tests in the test runner's output. */
  readonly passed: RegExp;
}

const runtimes: readonly Runtime[] = [
  {
    name: "Bun",
    file: bun(),
    program: [],
    suite: ["test", "./conformance.bun.test.mjs"],
    passed: /^ *(\d+) pass$/m,
  },
  {
    name: "Deno",
    file: deno(),
    program: ["run", "--allow-all"],
    suite: ["test", "--allow-all", "--no-check", "./conformance.deno.test.mjs"],
    passed: /\| (\d+) passed/,
  },
];

const backends: readonly Backend[] = ["memory", ...servers];
const runs = runtimes.flatMap((runtime) => backends.map((backend) => ({ ...runtime, backend })));

test.concurrent.each(runs)(
  "the conformance suite passes on $name: $backend",
  async ({ file, suite, passed, backend }) => {
    const ended = await run(file, suite, { ...conformanceEnvironment(target(backend), "memory"), NO_COLOR: "1" });
    expectSuccess(ended);
    expect(Number(passed.exec(ended.output)?.[1])).toBeGreaterThan(150);
  },
);

test.concurrent.each(runtimes)(
  "a program that passes its clients works on $name and ends",
  async ({ file, program }) => {
    const targets = servers.map((backend) => target(backend, "caller"));
    const ended = await run(file, [...program, "walk.mjs"], { MANYKV_TARGETS: JSON.stringify(targets) });
    expectSuccess(ended);
    expect(ended.output).toMatch(/^walked$/m);
  },
);
