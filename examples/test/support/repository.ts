import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const repository: string = fileURLToPath(new URL("../../..", import.meta.url));

/** Runs a program without a shell. Rejects with its output unless it exits with 0. */
export const run = promisify(execFile);

/** Runs a built example and returns its standard output. */
export async function example(name: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [join(repository, "examples/dist", `${name}.js`), ...args]);
  return stdout;
}
