import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { getContainerRuntimeClient } from "testcontainers";
import type { EngineAddress, GuardRequest } from "./guard-messages.js";

const GUARD = fileURLToPath(new URL("./guard-main.js", import.meta.url));
const LABEL = "manykv.test-services";

/** Sees to it that containers end with this process, however it ends. See `guard-main.ts`. */
export class ContainerGuard {
  /** Every container that carries these is removed by `stop()`, or when this process ends. */
  readonly labels: Readonly<Record<string, string>>;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, session: string) {
    this.#child = child;
    this.labels = { [LABEL]: session };
    // It must not keep a program running that has nothing else to do.
    child.unref();
    child.channel?.unref();
  }

  static async start(): Promise<ContainerGuard> {
    const session = randomUUID();
    const engine = await engineAddress();
    // A session of its own: Ctrl-C in a terminal reaches the tests, not the guard.
    const child = fork(GUARD, [], {
      detached: true,
      execArgv: [],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    child.send({ type: "watch", engine, label: `${LABEL}=${session}` } satisfies GuardRequest);
    return new ContainerGuard(child, session);
  }

  /** Removes the containers and their data. Safe to repeat. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.ref();
    this.#child.send({ type: "stop" } satisfies GuardRequest, () => {});
    await gone;
  }
}

/** The engine that Testcontainers chose. */
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
