import type { DedicatedPostgres } from "@manykv/test-services";
import pg from "pg";
import { type Program, startProgram } from "../support/start-program.js";

/** PgBouncer in front of a Postgres server. */
export interface Pgbouncer extends Program {
  /** The URL of the database behind PgBouncer. */
  readonly url: string;
  /** Runs a command of the admin console, such as `RELOAD`: https://www.pgbouncer.org/usage.html#admin-console */
  admin(command: string): Promise<void>;
}

export async function startPgbouncer(postgres: DedicatedPostgres, mode: "session" | "transaction"): Promise<Pgbouncer> {
  const { username, password, pathname } = new URL(postgres.url);
  const program = await startProgram({
    command: "pgbouncer",
    unprivileged: true,
    args: (file) => ["-q", file],
    configuration: (port) =>
      [
        "[databases]",
        `${pathname.slice(1)} = host=${postgres.host} port=${postgres.port} user=${username} password=${password}`,
        "[pgbouncer]",
        "listen_addr = 127.0.0.1",
        `listen_port = ${port}`,
        "unix_socket_dir =",
        "auth_type = any",
        `admin_users = ${username}`,
        `pool_mode = ${mode}`,
        // Few server connections, so that in transaction mode clients share them.
        `default_pool_size = ${mode === "session" ? 100 : 5}`,
        "max_client_conn = 500",
        // By default, PgBouncer refuses to connect for 15 seconds after a server did not respond.
        "server_login_retry = 1",
        "",
      ].join("\n"),
  });
  const urlOf = (database: string): string => {
    const url = new URL(postgres.url);
    url.host = `${program.host}:${program.port}`;
    url.pathname = database;
    return url.href;
  };
  return {
    ...program,
    url: urlOf(pathname),
    async admin(command) {
      const client = new pg.Client({ connectionString: urlOf("/pgbouncer"), connectionTimeoutMillis: 5_000 });
      client.on("error", () => {});
      await client.connect();
      await client.query(command).finally(() => client.end());
    },
  };
}
