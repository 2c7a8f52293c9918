import { describe, expect, test } from "vitest";
import { runVitest } from "./support/run-vitest.js";

describe("the last line counts passed, failed and skipped tests of a run with", () => {
  test.each([
    ["only passed tests", ["passing"], "3 passed, 0 failed", 0],
    ["failed and skipped tests", ["mixed"], "1 passed, 1 failed, 2 skipped", 1],
    ["several files", ["passing", "mixed"], "4 passed, 1 failed, 2 skipped", 1],
    ["a file that cannot be loaded", ["passing", "unloadable"], "3 passed, 1 failed", 1],
    ["a hook that fails", ["hook"], "1 passed, 1 failed", 1],
    ["an unhandled rejection", ["unhandled"], "1 passed, 1 failed", 1],
    ["no tests", ["no-such-file"], "0 passed, 1 failed", 1],
    ["a setup that fails", ["passing", "--config", "failing-setup.config.ts"], "0 passed, 1 failed", 1],
    ["a teardown that fails the run", ["passing", "--config", "failing-teardown.config.ts"], "3 passed, 1 failed", 1],
  ])("%s", async (_case, args, line, exitCode) => {
    const run = await runVitest("closing-line", ["--reporter=default", ...args]);
    expect(run.output.at(-1)).toBe(line);
    expect(run.exitCode).toBe(exitCode);
  });
});
