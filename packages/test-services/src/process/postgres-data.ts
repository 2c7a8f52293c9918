import { chown, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { POSTGRES_USER } from "../postgres-options.js";
import { POSTGRES_DATA } from "./postgres-shared-memory.js";
import type { Supervisor } from "./supervisor.js";
import type { User } from "./unprivileged-user.js";

/** Makes an empty database cluster whose superuser needs the password on every TCP connection. */
export async function initialise(
  supervisor: Supervisor,
  initdb: string,
  user: User | undefined,
  password: string,
): Promise<string> {
  const data = join(supervisor.directory, POSTGRES_DATA);
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
