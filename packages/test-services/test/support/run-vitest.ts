import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const VITEST = join(createRequire(import.meta.url).resolve("vitest/package.json"), "..", "vitest.mjs");
const FIXTURES = fileURLToPath(new URL("../fixtures", import.meta.url));

interface Run {
  /** The lines of standard output. */
  output: string[];
  errors: string;
  exitCode: number;
}

/** A run of vitest with the closing line, in one of the folders of fixtures. */
export function runVitest(folder: string, args: readonly string[]): Promise<Run> {
  const command = [VITEST, "run", ...args, "--reporter=@manykv/test-services/closing-line-reporter"];
  const environment = { ...process.env, NO_COLOR: "1", VITEST: undefined, VITEST_MODE: undefined };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      command,
      { cwd: join(FIXTURES, folder), env: environment },
      (error, stdout, errors) => {
        const exitCode = error ? Number(error.code) : 0;
        resolve({ output: stdout.trimEnd().split("\n"), errors, exitCode });
      },
    );
  });
}
