import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { getContainerRuntimeClient } from "testcontainers";
import type { EngineAddress, GuardRequest } from "./guard-messages.js";

const guardMain = fileURLToPath(new URL("./guard-main.js", import.meta.url));
const labelName = "manykv.test-services";

/** Removes containers when this process ends, even if it is killed. See `guard-main.ts`. */
export class ContainerGuard {
  /** The guard removes every container with these labels on `stop()` and when this process ends. */
  readonly labels: Readonly<Record<string, string>>;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, session: string) {
    this.#child = child;
    this.labels = { [labelName]: session };
    // The guard must not keep this process running.
    child.unref();
    child.channel?.unref();
  }

  static async start(): Promise<ContainerGuard> {
    const session = randomUUID();
    const engine = await engineAddress();
    // The guard runs in a separate session, so that Ctrl-C ends the tests but not the guard.
    const child = fork(guardMain, [], {
      detached: true,
      execArgv: [],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    child.send({ type: "watch", engine, label: `${labelName}=${session}` } satisfies GuardRequest);
    return new ContainerGuard(child, session);
  }

  /** Removes the containers and their data. Can be called more than once. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.ref();
    this.#child.send({ type: "stop" } satisfies GuardRequest, () => {});
    await exited;
  }
}

/** Returns the address of the engine that Testcontainers chose. */
async function engineAddress(): Promise<EngineAddress> {
  const { modem } = (await getContainerRuntimeClient()).container.dockerode;
  const { protocol, socketPath, host, port, ca, cert, key } = modem as Partial<EngineAddress>;
  if (socketPath) return { protocol: "http", socketPath };
  return {
    protocol: protocol === "https" ? "https" : "http",
    ...(host && { host }),
    ...(port && { port }),
    ...(ca && { ca: `${ca}` }),
    ...(cert && { cert: `${cert}` }),
    ...(key && { key: `${key}` }),
  };
}
