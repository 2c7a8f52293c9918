import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const vitest = join(createRequire(import.meta.url).resolve("vitest/package.json"), "..", "vitest.mjs");
const fixtures = fileURLToPath(new URL("../fixtures", import.meta.url));

interface Run {
  /** The lines of standard output. */
  output: string[];
  errors: string;
  exitCode: number;
}

/** Runs Vitest with the closing-line reporter in a folder of fixtures. */
export function runVitest(folder: string, args: readonly string[]): Promise<Run> {
  const command = [vitest, "run", ...args, "--reporter=@manykv/test-services/closing-line-reporter"];
  const environment = { ...process.env, NO_COLOR: "1", VITEST: undefined, VITEST_MODE: undefined };
  return new Promise((resolve) => {
    execFile(process.execPath, command, { cwd: join(fixtures, folder), env: environment }, (error, stdout, errors) => {
      const exitCode = error ? Number(error.code) : 0;
      resolve({ output: stdout.trimEnd().split("\n"), errors, exitCode });
    });
  });
}
