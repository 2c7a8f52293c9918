import type { Fault } from "../driver.js";
import type { CallOptions } from "../store.js";
import { StoreError } from "../store-error.js";
import type { SignalHub } from "./signal-hub.js";

/** Why a call had to stop early. */
export type Interruption = "timeout" | "aborted";

/**
 * One call of the caller's: its name, its deadline, its signal. Whatever the call waits for listens here, so that
 * cancelling is prompt.
 */
export class Call {
  readonly operation: string;
  readonly bucket: string;
  readonly timeout: number;
  /** On the clock of `performance.now()`, in milliseconds. */
  readonly deadline: number;
  readonly #signal: AbortSignal | undefined;
  readonly #leave: (() => void) | undefined;
  readonly #listeners: Set<() => void> = new Set();
  #cause: Fault | undefined;

  /** @throws {StoreError} `invalid-argument` for an option out of range. */
  constructor(
    operation: string,
    bucket: string,
    options: CallOptions | undefined,
    defaultTimeout: number,
    signals: SignalHub,
  ) {
    const { timeout = defaultTimeout, signal } = checkOptions(options);
    this.operation = operation;
    this.bucket = bucket;
    this.timeout = checkTimeout(timeout);
    this.deadline = performance.now() + timeout;
    this.#signal = signal;
    this.#leave = signal === undefined ? undefined : signals.listen(signal, this.#wake);
  }

  /** Time left, in milliseconds; may be negative or `Infinity`. */
  get left(): number {
    return this.deadline - performance.now();
  }

  /** Whether the caller has cancelled. */
  get cancelled(): boolean {
    return this.#signal?.aborted === true;
  }

  /** What made the call fail, if one of its requests did. */
  get cause(): Fault | undefined {
    return this.#cause;
  }

  /** The call has failed: nothing more is sent, and what is under way ends by itself. */
  stop(cause: Fault): void {
    this.#cause ??= cause;
  }

  /** The call has failed and needs no further answer: what is under way is interrupted. */
  cancel(cause: Fault): void {
    this.stop(cause);
    this.#wake();
  }

  /** Calls `listener` when the caller cancels or the call stops. Gives the function that takes it off again. */
  onInterrupt(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Waits for `milliseconds`, less when the call is interrupted, and not at all when it was. */
  pause(milliseconds: number): Promise<void> {
    if (this.#cause !== undefined || this.cancelled) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        off();
        resolve();
      };
      const timer = setTimeout(done, Math.max(0, Math.min(milliseconds, this.left)));
      const off = this.onInterrupt(done);
    });
  }

  /** Takes the call off the caller's signal. */
  end(): void {
    this.#leave?.();
  }

  readonly #wake = (): void => {
    for (const listener of [...this.#listeners]) listener();
  };
}

/** @throws {StoreError} `invalid-argument` for options of the wrong kind. */
export function checkOptions(options: CallOptions | undefined): CallOptions {
  if (options === undefined) return {};
  if (typeof options !== "object" || options === null) {
    throw new StoreError("invalid-argument", "the options are not an object; pass { signal, timeout }");
  }
  const { signal } = options;
  if (signal !== undefined && typeof signal?.addEventListener !== "function") {
    throw new StoreError("invalid-argument", "the signal is not an AbortSignal");
  }
  return options;
}

/** @throws {StoreError} `invalid-argument` unless it is 0 or more. */
export function checkTimeout(timeout: unknown): number {
  if (typeof timeout === "number" && timeout >= 0) return timeout;
  throw new StoreError("invalid-argument", "the timeout is not a number of milliseconds from 0 to Infinity");
}
