import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Name of the data folder in the supervisor's directory. */
export const postgresDataFolder = "data";

/**
 * Removes the System V shared memory segment that Postgres uses to lock its data directory. The kernel keeps the
 * segment when the server is killed. If the removal fails, 56 bytes stay in use until the next boot.
 * https://www.postgresql.org/docs/current/kernel-resources.html
 */
export function releaseSharedMemory(data: string): void {
  const segment = segmentOf(data);
  if (segment === undefined) return;
  try {
    execFileSync("ipcrm", ["-m", segment], { stdio: "ignore" });
  } catch {
    // The segment is already removed, or this system has no `ipcrm`.
  }
}

/** Returns the id of the segment, or `undefined` if there is no `postmaster.pid`, as after a clean shutdown. */
function segmentOf(data: string): string | undefined {
  try {
    return /^ *\d+ +(\d+) *$/m.exec(readFileSync(join(data, "postmaster.pid"), "utf8"))?.[1];
  } catch {
    return undefined;
  }
}
