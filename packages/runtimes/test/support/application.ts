import { type SpawnOptions, spawn } from "node:child_process";
import { inject } from "vitest";
import type {} from "./unpack-packages.js";

/**
 * A folder with the packed packages in `node_modules` and a copy of `programs`. Programs in it find manykv in the form
 * that npm would install, and clients, agents and test runners in the versions that this package pins.
 */
export const application: string = inject("manykv:application");

export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Standard output and standard error, in the order of arrival. */
  readonly output: string;
}

/** Longest time of a program, in milliseconds. A program that takes longer is killed, and its `signal` is set. */
const longestRun = 900_000;

// pnpm sets NODE_PATH for vitest. With NODE_PATH, `require` would find packages of the workspace. A program must also
// not see the settings of the test runner.
const { NODE_PATH: _, VITEST: __, NODE_ENV: ___, ...programEnvironment } = process.env;

/** The environment of a program: what the test runner has set is removed. */
export const environment: NodeJS.ProcessEnv = programEnvironment;

/** Runs a program in the application's folder until it ends by itself. */
export function run(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  options: SpawnOptions = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: application,
      env: { ...environment, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: longestRun,
      killSignal: "SIGKILL",
      ...options,
    });
    const output: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => output.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => output.push(chunk));
    child.once("error", reject);
    child.once("close", (exitCode, signal) => resolve({ exitCode, signal, output: Buffer.concat(output).toString() }));
  });
}
