import { type ChildProcess, fork } from "node:child_process";
import { activeMutantVariable } from "./stryker-namespace.js";
import type { FromWorker, SuiteSettings, ToWorker } from "./suite-protocol.js";

export interface SuiteProcessOptions extends SuiteSettings {
  readonly environment: Readonly<Record<string, string>>;
}

/** How a worker's run ended. */
export interface RunEnd {
  /** The first case that failed, `unhandled` for an unhandled error, or `exit` if the process ended. */
  readonly failed?: string;
  readonly reason?: string;
  /** The cases that can be the cause of `failed`. Absent if this can be any case. */
  readonly suspects?: readonly string[];
  /** The cases that passed. */
  readonly passed: readonly string[];
  /** The cases that ran when the worker reported nothing for too long. The worker is then gone. */
  readonly hanging?: readonly string[];
}

type Ready = Extract<FromWorker, { readonly type: "ready" }>;
export type Ended = Extract<FromWorker, { readonly type: "end" }>;

/** Time in which a worker must load the suite, in milliseconds. Far more than it needs, even on a busy machine. */
const loadTime = 60_000;

/** A worker process. Start a new one after `alive` became false. */
export class SuiteProcess {
  readonly #child: ChildProcess;
  readonly ready: Ready;
  #alive = true;

  private constructor(child: ChildProcess, ready: Ready) {
    this.#child = child;
    this.ready = ready;
    child.once("exit", () => {
      this.#alive = false;
      killGroup(child);
    });
  }

  /** Starts a worker, with a mutant that is active from the start if `mutant` is passed. */
  static async start(options: SuiteProcessOptions, mutant?: string): Promise<SuiteProcess> {
    const { environment, ...settings } = options;
    const child = fork(new URL("suite-worker.js", import.meta.url), [JSON.stringify(settings)], {
      env: { ...process.env, ...environment, ...(mutant !== undefined && { [activeMutantVariable]: mutant }) },
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      detached: true, // the leader of a process group
    });
    let errors = "";
    child.stderr?.on("data", (chunk) => {
      errors = (errors + String(chunk)).slice(-2_000);
    });
    const ready = await new Promise<Ready>((resolve, reject) => {
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        killGroup(child);
      }, loadTime);
      child.once("exit", () => {
        clearTimeout(timer);
        const how = isLate ? `did not load the suite in ${loadTime / 1000} seconds` : "ended while it loaded the suite";
        reject(new Error(`the worker ${how}\n${errors}`));
      });
      child.on("message", (message: FromWorker) => {
        if (message.type !== "ready") return;
        clearTimeout(timer);
        resolve(message);
      });
    });
    return new SuiteProcess(child, ready);
  }

  get alive(): boolean {
    return this.#alive;
  }

  kill(): void {
    this.#alive = false;
    killGroup(this.#child);
  }

  /** Runs cases one by one without a mutant. */
  async cover(units: readonly string[], patience: number, onEnd: (ended: Ended) => void): Promise<RunEnd> {
    return this.#request({ type: "cover", units }, patience, onEnd);
  }

  /**
   * Runs cases until one fails. Kills the worker if it reports nothing for `patience` milliseconds, or if its other
   * cases do not end soon after a failure.
   */
  async run(message: Omit<Extract<ToWorker, { readonly type: "run" }>, "type">, patience: number): Promise<RunEnd> {
    return this.#request({ type: "run", ...message }, patience);
  }

  #request(message: ToWorker, patience: number, onEnd?: (ended: Ended) => void): Promise<RunEnd> {
    const child = this.#child;
    const running = new Set<string>();
    const passed: string[] = [];
    let end: Omit<RunEnd, "passed"> | undefined;
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout;
      const settle = (fallback: Omit<RunEnd, "passed">): void => {
        clearTimeout(timer);
        child.off("message", receive).off("exit", exited);
        resolve({ ...(end ?? fallback), passed });
      };
      const hang = (): void => {
        this.kill();
        settle({ hanging: [...running] });
      };
      const wait = (): void => {
        clearTimeout(timer);
        timer = setTimeout(hang, end === undefined ? patience : Math.min(patience, 3_000));
      };
      const exited = (): void => settle({ failed: "exit", reason: "the process ended", suspects: [...running] });
      const receive = (received: FromWorker): void => {
        if (received.type === "done") {
          settle({});
          return;
        }
        if (received.type === "start") running.add(received.unit);
        if (received.type === "unhandled")
          end ??= { failed: "unhandled", reason: received.reason, suspects: [...running] };
        if (received.type === "end") {
          running.delete(received.unit);
          if (received.status !== "failed") passed.push(received.unit);
          onEnd?.(received);
          if (received.status === "failed" && onEnd === undefined)
            end ??= { failed: received.unit, reason: received.reason ?? "", suspects: [received.unit] };
        }
        wait();
      };
      child.on("message", receive).once("exit", exited);
      wait();
      child.send(message);
    });
  }
}

/** Kills a process and its child processes, because a mutant can make one of them loop forever. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // All processes of the group have ended.
  }
}
