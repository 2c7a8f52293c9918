import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

/** Debian installs some of these programs in folders that are not on the `PATH` of other users than root. */
const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];

/**
 * Installs programs that are missing, if this process runs as root on Debian. Otherwise throws an error with the command
 * that installs them, because a skipped test would look like a pass.
 *
 * @param suite - the name of the suite, for the line that it prints
 * @param packages - the Debian package of each program
 */
export async function requirePrograms(suite: string, packages: Readonly<Record<string, string>>): Promise<void> {
  process.env["PATH"] = folders.join(delimiter);
  const missing = missingPackages(packages);
  if (missing.length === 0) return;
  const command = `apt-get install -y ${missing.join(" ")}`;
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) throw new Error(`missing programs: run ${command}`);
  console.log(`${suite}: ${command}`);
  try {
    await aptGet("update", "-qq");
    await aptGet("install", "-y", "-qq", "--no-install-recommends", ...missing);
  } catch (cause) {
    throw new Error(`missing programs, and apt-get failed: run ${command}`, { cause });
  }
  if (missingPackages(packages).length > 0) throw new Error(`missing programs after ${command}`);
}

function missingPackages(packages: Readonly<Record<string, string>>): string[] {
  const isMissing = (program: string): boolean => !folders.some((folder) => existsSync(join(folder, program)));
  return Object.entries(packages).flatMap(([program, name]) => (isMissing(program) ? [name] : []));
}

async function aptGet(...args: readonly string[]): Promise<void> {
  await promisify(execFile)("apt-get", ["-o", "DPkg::Lock::Timeout=120", ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    maxBuffer: 64 * 1024 * 1024,
  });
}
