import { type ExitCode, exitCode } from "./exit-code.js";

/** Calls under way usually settle well within this, and then none ends as unknown. */
const graceMilliseconds = 2000;

/**
 * SIGINT and SIGTERM. The first one stops the reading and sending, and calls under way get a moment to settle; the
 * second, or the end of that moment, aborts them. A third one ends the process as if nothing listened.
 *
 * Where it is held by `using`, what it is for must be awaited before the block ends.
 */
export class Interrupt implements Disposable {
  readonly #stop = new AbortController();
  readonly #abort = new AbortController();
  readonly #listener = (signal: NodeJS.Signals): void => this.#onSignal(signal);
  #grace: NodeJS.Timeout | undefined;
  /** What to exit with once it has fired. */
  exitCode: ExitCode | undefined;

  constructor() {
    process.on("SIGINT", this.#listener);
    process.on("SIGTERM", this.#listener);
  }

  /** Fires when nothing more is to be started. */
  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  /** Fires when calls under way are to be given up. */
  get abort(): AbortSignal {
    return this.#abort.signal;
  }

  [Symbol.dispose](): void {
    this.#stopListening();
    clearTimeout(this.#grace);
  }

  #stopListening(): void {
    process.off("SIGINT", this.#listener);
    process.off("SIGTERM", this.#listener);
  }

  #onSignal(signal: NodeJS.Signals): void {
    if (this.#stop.signal.aborted) {
      this.#stopListening();
      this.#abort.abort();
      return;
    }
    this.exitCode = signal === "SIGINT" ? exitCode.interrupted : exitCode.terminated;
    this.#grace = setTimeout(() => this.#abort.abort(), graceMilliseconds);
    this.#stop.abort();
  }
}
