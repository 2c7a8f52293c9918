import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { descriptorOf } from "./descriptors.js";
import { CommandError, exitCode } from "./errors.js";
import { followLinks } from "./replace-file.js";

/**
 * Throws if two of the paths name the same file, also by a link or another spelling: the second output would replace the
 * first. `names` are what the user calls the files, such as `--json`.
 */
export async function rejectSameFile(files: readonly (readonly [name: string, path: string])[]): Promise<void> {
  const names = new Map<string, string>();
  for (const [name, path] of files) {
    const identity = await identityOf(path);
    const other = names.get(identity);
    if (other !== undefined) throw new CommandError(exitCode.usage, `${other} and ${name} must name different files`);
    names.set(identity, name);
  }
}

async function identityOf(path: string): Promise<string> {
  const descriptor = descriptorOf(path, 1);
  if (descriptor !== undefined) return `descriptor ${descriptor}`;
  const status = await stat(path, { bigint: true }).catch(() => undefined);
  if (status !== undefined) return `file ${status.dev} ${status.ino}`;
  return resolve(await followLinks(path).catch(() => path));
}
