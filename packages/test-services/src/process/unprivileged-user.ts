import { execFile } from "node:child_process";
import { chown, cp, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { PostgresBinaries } from "./postgres-binaries.js";

const run = promisify(execFile);

export interface User {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Whom to run Postgres as, which refuses to run as root. Undefined: as the caller. `nobody` is on every system, so
 * that no user has to be made.
 */
export async function unprivilegedUser(): Promise<User | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const id = async (flag: string) => Number((await run("id", [flag, "nobody"])).stdout);
  const [uid, gid] = await Promise.all([id("-u"), id("-g")]);
  return { uid, gid };
}

/**
 * Gives the user the directory, and programs that it may run: those of a workspace in root's home are copied.
 */
export async function handOver(
  directory: string,
  binaries: PostgresBinaries,
  user: User,
): Promise<PostgresBinaries> {
  if (!(await othersReach(dirname(directory)))) {
    throw new Error(
      "postgres: runs as the user nobody, who cannot enter the temporary folder. Set TMPDIR=/tmp",
    );
  }
  await chown(directory, user.uid, user.gid);
  if (await othersReach(binaries.postgres)) return binaries;
  const installation = dirname(dirname(binaries.postgres));
  const copy = join(directory, "installation");
  await cp(installation, copy, { recursive: true, verbatimSymlinks: true });
  return { initdb: join(copy, "bin", "initdb"), postgres: join(copy, "bin", "postgres") };
}

/** Whether a user who owns nothing on the way may execute the file, or enter the folder. */
async function othersReach(path: string): Promise<boolean> {
  const { mode } = await stat(path);
  if ((mode & 0o001) === 0) return false;
  return dirname(path) === path || othersReach(dirname(path));
}
