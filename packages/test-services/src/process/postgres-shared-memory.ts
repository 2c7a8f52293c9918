import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Where a supervisor's Postgres has its data, in the supervisor's directory. */
export const POSTGRES_DATA = "data";

/**
 * Gives back the System V segment by which a Postgres held its data directory, which the kernel keeps when the server
 * was killed. Where that cannot be done, 56 bytes stay until the next boot.
 * https://www.postgresql.org/docs/current/kernel-resources.html
 */
export function releaseSharedMemory(data: string): void {
  const segment = segmentOf(data);
  if (segment === undefined) return;
  try {
    execFileSync("ipcrm", ["-m", segment], { stdio: "ignore" });
  } catch {
    // It is gone already, or this system has no `ipcrm`.
  }
}

/** A server that ended by itself has removed the file. */
function segmentOf(data: string): string | undefined {
  try {
    return /^ *\d+ +(\d+) *$/m.exec(readFileSync(join(data, "postmaster.pid"), "utf8"))?.[1];
  } catch {
    return undefined;
  }
}
