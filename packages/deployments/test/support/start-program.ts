import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, runServer, withSupervisor } from "@manykv/test-services/process";

/** A program that listens on a TCP port of 127.0.0.1. */
export interface Program extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Sends SIGKILL to the program. */
  kill(): Promise<void>;
  /** Kills the program if it is running, and starts it again on the same port. */
  restart(): Promise<void>;
}

export interface ProgramRecipe {
  readonly command: string;
  /** Returns the arguments. `file` is the path of the configuration file. */
  args(file: string): readonly string[];
  /** Returns the contents of the configuration file. `folder` is a folder that the program may use. */
  configuration(port: number, folder: string): string;
  /** Whether the program refuses to run as root. It then runs as the user `nobody`. Default: false. */
  readonly unprivileged?: boolean;
}

const host = "127.0.0.1";

/** Starts a program on a free port and waits until it accepts connections. */
export function startProgram({ command, args, configuration, unprivileged = false }: ProgramRecipe): Promise<Program> {
  return withSupervisor(command, async (supervisor) => {
    const { directory } = supervisor;
    const user = unprivileged && process.getuid?.() === 0 ? nobody() : undefined;
    if (user !== undefined) chmodSync(directory, 0o755);
    const fileOf = (port: number): string => join(directory, `${port}.conf`);
    const server = await runServer(supervisor, {
      name: command,
      freePort: async () => {
        const port = await freePort();
        writeFileSync(fileOf(port), configuration(port, directory), { mode: 0o600 });
        if (user !== undefined) chownSync(fileOf(port), user.uid, user.gid);
        return port;
      },
      specification: (port) => ({
        command,
        args: args(fileOf(port)),
        name: `${command}-${port}`,
        stopSignal: "SIGKILL",
        ...(user && { user }),
      }),
      responds: accepts,
    });
    return {
      host,
      port: server.port,
      kill: server.kill,
      restart: server.restart,
      [Symbol.asyncDispose]: () => supervisor.stop(),
    };
  });
}

function nobody(): { uid: number; gid: number } {
  const id = (flag: string): number => Number(execFileSync("id", [flag, "nobody"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

/** Waits until a port accepts a connection. */
async function accepts(port: number): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await acceptsNow(port))) {
    if (Date.now() > end) throw new Error(`nothing accepts connections on port ${port}`);
    await sleep(20);
  }
}

function acceptsNow(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
