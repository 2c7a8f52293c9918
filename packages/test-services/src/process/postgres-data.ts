import { execFile } from "node:child_process";
import { chown, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { POSTGRES_USER } from "../postgres-options.js";
import type { Supervisor } from "./supervisor.js";
import type { User } from "./unprivileged-user.js";

/** Makes an empty database cluster whose superuser needs the password on every TCP connection. */
export async function initialise(
  supervisor: Supervisor,
  initdb: string,
  user: User | undefined,
  password: string,
): Promise<string> {
  const data = join(supervisor.directory, "data");
  const passwordFile = join(supervisor.directory, "password");
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user) await chown(passwordFile, user.uid, user.gid);
  await supervisor.run({
    command: initdb,
    args: [
      ...["--pgdata", data, "--username", POSTGRES_USER, "--pwfile", passwordFile],
      ...["--auth-host", "scram-sha-256", "--auth-local", "trust"],
      ...["--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions"],
    ],
    name: "initdb",
    stopSignal: "SIGKILL",
    ...(user && { user }),
  });
  await rm(passwordFile);
  return data;
}

/**
 * The System V segment by which a server holds its data directory; the kernel keeps it after a SIGKILL.
 * https://www.postgresql.org/docs/current/kernel-resources.html
 */
export async function sharedMemory(data: string): Promise<string | undefined> {
  const lock = await readFile(join(data, "postmaster.pid"), "utf8").catch(() => "");
  return /^ *\d+ +(\d+) *$/m.exec(lock)?.[1];
}

/** Gives the segment of a dead server back. Where that cannot be done, 56 bytes stay until the next boot. */
export async function removeSharedMemory(segment: string): Promise<void> {
  await promisify(execFile)("ipcrm", ["-m", segment]).catch(() => {});
}
