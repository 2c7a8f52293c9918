import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, runServer, withSupervisor } from "@manykv/test-services/process";

export interface Mariadb extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** The URL of a user with all permissions on an empty database. */
  readonly url: string;
}

const host = "127.0.0.1";
const database = "manykv";

/** Starts Debian's MariaDB on a free port with an empty data directory. */
export function startMariadb(): Promise<Mariadb> {
  return withSupervisor("mariadb", async (supervisor) => {
    const { directory } = supervisor;
    const user = process.getuid?.() === 0 ? nobody() : undefined;
    const data = join(directory, "data");
    const password = randomBytes(16).toString("hex");
    const start = join(directory, "start.sql");
    mkdirSync(data);
    writeFileSync(
      start,
      `CREATE DATABASE ${database};\nCREATE USER test@'%' IDENTIFIED BY '${password}';\nGRANT ALL ON *.* TO test@'%' WITH GRANT OPTION;\n`,
      { mode: 0o600 },
    );
    if (user !== undefined) {
      chmodSync(directory, 0o755);
      for (const path of [data, start]) chownSync(path, user.uid, user.gid);
    }
    const common = { stopSignal: "SIGKILL" as const, ...(user && { user }) };
    // Debian's configuration would share files among all servers.
    const settings = ["--no-defaults", `--datadir=${data}`];
    await supervisor.run({
      command: "mariadb-install-db",
      args: [...settings, "--auth-root-authentication-method=socket", "--skip-test-db", "--skip-name-resolve"],
      name: "install",
      ...common,
    });
    const server = await runServer(supervisor, {
      name: "mariadb",
      freePort,
      specification: (port) => ({
        command: "mariadbd",
        args: [
          ...settings,
          ...[`--bind-address=${host}`, `--port=${port}`, `--socket=${join(data, "mariadb.sock")}`],
          ...[`--pid-file=${join(data, "mariadb.pid")}`, `--init-file=${start}`, "--skip-name-resolve"],
          ...["--innodb-flush-log-at-trx-commit=0", "--sync-binlog=0", "--skip-log-bin", "--max-connections=2000"],
        ],
        name: `mariadb-${port}`,
        ...common,
      }),
      responds: greets,
    });
    return {
      host,
      port: server.port,
      url: `mariadb://test:${password}@${host}:${server.port}/${database}`,
      [Symbol.asyncDispose]: () => supervisor.stop(),
    };
  });
}

function nobody(): { uid: number; gid: number } {
  const id = (flag: string): number => Number(execFileSync("id", [flag, "nobody"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

/** Waits until the server greets a client. It does so after it has run the file with which it starts. */
async function greets(port: number): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await greetsNow(port))) {
    if (Date.now() > end) throw new Error(`no server greets clients on port ${port}`);
    await sleep(50);
  }
}

function greetsNow(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once("data", () => {
      socket.destroy();
      resolve(true);
    });
    for (const event of ["error", "end"]) socket.once(event, () => resolve(false));
  });
}
