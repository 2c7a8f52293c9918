import { type ChildProcess, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ServerSpecification, SupervisorReport, SupervisorRequest } from "./supervisor-messages.js";

const supervisorMain = fileURLToPath(new URL("./supervisor-main.js", import.meta.url));

/** A server that the supervisor runs. */
export interface ServerProcess {
  readonly id: number;
  readonly pid: number;
  /** Resolves with the exit code of the process, or with null if a signal ended it or the supervisor has exited. */
  readonly exited: Promise<number | null>;
}

/**
 * Runs servers in a temporary directory, as children of a supervisor process. When this process ends, even if it is
 * killed, the supervisor stops the servers and removes the directory. See `supervisor-main.ts`.
 */
export class Supervisor {
  /** The supervisor removes this directory and its contents on `stop()` and when this process ends. */
  readonly directory: string;
  readonly #child: ChildProcess;
  readonly #started = new Map<number, (outcome: number | string) => void>();
  readonly #exited = new Map<number, (code: number | null) => void>();
  #nextId = 1;
  #waiting = 0;

  private constructor(child: ChildProcess, directory: string) {
    this.#child = child;
    this.directory = directory;
    child.on("message", (message: SupervisorReport) => this.#receive(message));
    child.once("exit", () => this.#supervisorEnded());
    // The supervisor must not keep this process running.
    child.unref();
    child.channel?.unref();
  }

  static async start(name: string): Promise<Supervisor> {
    const child = fork(supervisorMain, [join(tmpdir(), `manykv-${name}-`)], {
      // The supervisor runs in a separate session, so that Ctrl-C ends the tests but not the supervisor.
      detached: true,
      execArgv: [],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const directory = await new Promise<string>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", () => reject(new Error(`${name}: the supervisor process exited during startup`)));
      child.once("message", (message: SupervisorReport) => {
        if (message.type === "ready") resolve(message.directory);
      });
    });
    for (const event of ["error", "exit", "message"]) child.removeAllListeners(event);
    return new Supervisor(child, directory);
  }

  /** Starts a server. Rejects if the command cannot be run. */
  async spawn(specification: ServerSpecification): Promise<ServerProcess> {
    const id = this.#nextId++;
    const exited = new Promise<number | null>((resolve) => this.#exited.set(id, resolve));
    const outcome = await this.#waitFor(
      new Promise<number | string>((resolve) => {
        this.#started.set(id, resolve);
        this.#send({ type: "start", id, specification });
      }),
    );
    if (typeof outcome === "string") throw new Error(`${specification.command} cannot be run: ${outcome}`);
    return { id, pid: outcome, exited };
  }

  /** Runs a program and waits until it ends. Rejects with its output if the program fails. */
  async run(specification: ServerSpecification): Promise<void> {
    const { exited } = await this.spawn(specification);
    if ((await this.#waitFor(exited)) === 0) return;
    throw new Error(`${specification.command} failed. Its output:\n${this.logOf(specification)}`);
  }

  /** Sends SIGKILL to the server and its descendants. Resolves when the server has ended. */
  async kill(server: ServerProcess): Promise<void> {
    this.#send({ type: "kill", id: server.id });
    await this.#waitFor(server.exited);
  }

  /** Stops all servers and removes the directory. Can be called more than once. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.ref();
    this.#send({ type: "stop" });
    await exited;
  }

  /** Returns the last 2,000 characters of a server's log, or an empty string if there is no log. */
  logOf(specification: ServerSpecification): string {
    try {
      return readFileSync(join(this.directory, `${specification.name}.log`), "utf8").slice(-2_000);
    } catch {
      return "";
    }
  }

  #send(request: SupervisorRequest): void {
    // If the supervisor has ended, its "exit" event settles all pending calls.
    if (this.#child.connected) this.#child.send(request, () => {});
  }

  async #waitFor<T>(promise: Promise<T>): Promise<T> {
    if (this.#waiting++ === 0) this.#child.channel?.ref();
    try {
      return await promise;
    } finally {
      if (--this.#waiting === 0) this.#child.channel?.unref();
    }
  }

  #receive(message: SupervisorReport): void {
    if (message.type === "started") this.#settleStart(message.id, message.pid);
    else if (message.type === "failed") this.#settleStart(message.id, message.code);
    else if (message.type === "exited") this.#exited.get(message.id)?.(message.code);
  }

  #settleStart(id: number, outcome: number | string): void {
    this.#started.get(id)?.(outcome);
    this.#started.delete(id);
  }

  #supervisorEnded(): void {
    for (const id of this.#started.keys()) this.#settleStart(id, "the supervisor process has ended");
    for (const resolve of this.#exited.values()) resolve(null);
  }
}

/** Starts a supervisor and calls `start` with it. If `start` fails, stops the supervisor, so that nothing remains. */
export async function withSupervisor<T>(name: string, start: (supervisor: Supervisor) => Promise<T>): Promise<T> {
  const supervisor = await Supervisor.start(name);
  try {
    return await start(supervisor);
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}
