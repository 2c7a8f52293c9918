import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const repository: string = fileURLToPath(new URL("../../..", import.meta.url));

const execute = promisify(execFile);

// pnpm sets NODE_PATH for vitest. With NODE_PATH, `require` would find packages that a project has not installed.
const { NODE_PATH: _, ...environment } = process.env;

/** Runs a program without a shell and returns its output. Rejects if the exit code is not 0. */
export function run(
  file: string,
  args: readonly string[],
  options: { readonly cwd?: string } = {},
): Promise<{ stdout: string; stderr: string }> {
  return execute(file, args, { ...options, env: environment });
}

/** Runs a built example and returns its standard output. */
export async function example(name: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [join(repository, "examples/dist", `${name}.js`), ...args]);
  return stdout;
}
