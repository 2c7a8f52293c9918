import { setTimeout as sleep } from "node:timers/promises";
import { type ExitCode, exitCode } from "./errors.js";

/** The exit code for each signal that stops the command: 128 plus the signal's number, as in shells. */
const exitCodes = { SIGHUP: exitCode.hangup, SIGINT: exitCode.interrupted, SIGTERM: exitCode.terminated } as const;

type Signal = keyof typeof exitCodes;

/** Time to report calls in flight after the command aborts them. */
const reportMilliseconds = 1000;

/** Time for the reader of standard error to read the last messages, and for files to close. */
const flushMilliseconds = 500;

/**
 * Handles SIGINT, SIGTERM and SIGHUP. The first signal stops reading and sending, and calls in flight have `grace` to
 * settle. The second signal, or the end of this time, aborts these calls. One second later, or at a third signal, the
 * process ends even if it still waits for something.
 */
export class Interrupt {
  readonly #stop = new AbortController();
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #ended = false;
  /**
   * Time for calls in flight to settle after the first signal, in milliseconds. Most calls need less than the default, so
   * few outcomes are unknown.
   */
  grace = 2000;
  /** Set after the first signal. */
  exitCode: ExitCode | undefined;

  /** Starts to handle signals, until the process ends: process 1 of a container ignores signals without a listener. */
  listen(): void {
    for (const signal of Object.keys(exitCodes)) process.on(signal, this.#onSignal);
  }

  /** Stops handling signals. Their default action ends the process, even while code blocks this thread. */
  release(): void {
    for (const signal of Object.keys(exitCodes)) process.off(signal, this.#onSignal);
  }

  /** Aborted when no more input may be read and no more calls may start. */
  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  /** Aborted when calls in flight must end at once. */
  get abort(): AbortSignal {
    return this.#abort.signal;
  }

  /** Must be called after the subcommand. After a signal, ends the process, even if a reader or a server hangs. */
  async end(code: ExitCode): Promise<void> {
    this.#ended = true;
    if (this.exitCode === undefined) return;
    clearTimeout(this.#timer);
    setTimeout(() => this.#endProcess(code), flushMilliseconds);
    await new Promise<void>((resolve) => process.stderr.write("", () => resolve()));
    do await sleep(5);
    while (hasThreadAtWork());
    this.#endProcess(code);
  }

  readonly #onSignal = (signal: Signal): void => {
    this.exitCode ??= exitCodes[signal];
    if (this.#ended || this.abort.aborted) this.#endProcess(this.exitCode);
    else if (this.stop.aborted) this.#abortCalls(this.exitCode);
    else {
      this.#timer = setTimeout(this.#abortCalls, this.grace, this.exitCode);
      this.#stop.abort();
    }
  };

  readonly #abortCalls = (code: ExitCode): void => {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#endProcess(code), reportMilliseconds);
    this.#abort.abort();
  };

  #endProcess(code: ExitCode): void {
    this.release();
    // process.exit() would wait for a blocked thread. The default action of the signal does not wait.
    if (hasThreadAtWork() && this.exitCode !== undefined) process.kill(process.pid, this.exitCode - 128);
    process.exit(code);
  }
}

/** Returns whether a thread of Node.js accesses a file or looks up a host name. Such a thread may be blocked. */
function hasThreadAtWork(): boolean {
  return process.getActiveResourcesInfo().some((name) => name.includes("Req"));
}

/** Handles the signals of this process. `main` calls `listen`. */
export const interrupt: Interrupt = new Interrupt();
