import { BatchError } from "../batch-error.js";
import type { StoreCore } from "../create-store.js";
import type { Fault } from "../driver.js";
import { StoreError } from "../errors.js";
import { countEntries } from "../input/batch.js";
import { InputError } from "../input/check-entry.js";
import { checkCallOptions } from "../options.js";
import type { CallOptions } from "../store.js";
import { traceCall } from "../tracing.js";
import { uniformOutcomes } from "./outcomes.js";
import { type Interruption, nextTurn, type Waiter } from "./waiting.js";

/** One call of a method: its deadline, its signal and what it waits for. */
export class Call {
  readonly core: StoreCore;
  readonly operation: string;
  readonly bucket: string;
  /** In milliseconds. */
  timeout: number;
  /** On the clock of `performance.now()`, in milliseconds. */
  deadline: number = Infinity;
  /** Why the call sends nothing more. */
  fault: Fault | undefined;
  /** Entries in the caller's input, once it was read. */
  batchSize = 1;
  #id: string | undefined;
  #signal: AbortSignal | undefined;
  #stopListening: (() => void) | undefined;
  readonly #waiters: Waiter[] = [];

  constructor(core: StoreCore, operation: string, bucket: string) {
    this.core = core;
    this.operation = operation;
    this.bucket = bucket;
    this.timeout = core.options.timeout;
    core.enter();
  }

  /** @throws {StoreError} `closed`; `invalid-argument` for an option that is unknown or out of range. */
  start(options: CallOptions | undefined, known?: readonly string[]): void {
    this.core.checkOpen();
    if (options !== undefined) {
      checkCallOptions(options, known);
      if (options.timeout !== undefined) this.timeout = options.timeout;
      this.#signal = options.signal;
    }
    this.deadline = performance.now() + this.timeout;
    if (this.#signal !== undefined) {
      this.#stopListening = this.core.abortListeners.add(this.#signal, () => this.#interrupt("aborted"));
    }
  }

  /** Runs the call, within the tracing channel `manykv:call` if it has subscribers. */
  traced<Result>(run: () => Promise<Result>): Promise<Result> {
    return this.core.callTracing?.hasSubscribers ? traceCall(this, run) : run();
  }

  /** Which call failed on what, for messages. */
  get description(): string {
    const bucket = this.bucket === "" ? "" : ` on bucket "${this.bucket}"`;
    return `${this.operation}${bucket} (${this.core.driver.name})`;
  }

  /** Identifies the call in tracing events. */
  get id(): string {
    this.#id ??= this.core.nextCallId();
    return this.#id;
  }

  end(): void {
    this.#stopListening?.();
    this.core.leave();
  }

  /** Whether the caller cancelled. */
  get cancelled(): boolean {
    return this.#signal?.aborted === true;
  }

  /** Time left, in milliseconds. May be negative or `Infinity`. */
  get timeLeft(): number {
    return this.deadline - performance.now();
  }

  /** The call failed: it sends nothing more. What is in flight finishes. */
  stop(fault: Fault): void {
    this.fault ??= fault;
  }

  /** The call failed and needs no further answers: what is in flight is interrupted. */
  cancel(fault: Fault): void {
    this.stop(fault);
    this.#interrupt("aborted");
  }

  /**
   * Waits for `promise`, but only until it is due, the caller cancels or the call fails. Then it returns why.
   *
   * @param promise - must not reject
   */
  race<Result>(promise: Promise<Result>, due: number): Promise<Result | Interruption> {
    return new Promise((resolve) => {
      const settle = (result: Result | Interruption): void => {
        this.core.timer.delete(waiter);
        const index = this.#waiters.indexOf(waiter);
        if (index >= 0) this.#waiters.splice(index, 1);
        resolve(result);
      };
      const waiter: Waiter = { due, interrupt: settle };
      this.#waiters.push(waiter);
      this.core.timer.add(waiter);
      promise.then(settle);
    });
  }

  /**
   * Lets other work of the event loop run.
   *
   * @throws {InputError} if the call is over by then.
   */
  async nextTurn(entries: number): Promise<void> {
    await nextTurn();
    if (this.cancelled)
      throw new InputError("aborted", "the caller's signal fired before anything was sent", entries);
    if (this.timeLeft > 0) return;
    const text = "the deadline passed before anything was sent: raise `timeout`, or send less at once";
    throw new InputError("timeout", text, entries);
  }

  /** Returns the error of a read. */
  readError(error: unknown): unknown {
    return error instanceof InputError
      ? new StoreError(error.code, `${this.operation}: ${error.message}`)
      : error;
  }

  /** Returns the error of a write: a {@link BatchError}, also if nothing was sent. */
  writeError(error: unknown, input: unknown): unknown {
    if (!StoreError.is(error) || BatchError.is(error)) return error;
    const { code, message } = error;
    const deadline = Math.min(this.deadline, performance.now() + this.timeout);
    const entries = error instanceof InputError ? error.entries : countEntries(input, deadline);
    this.batchSize = entries;
    return new BatchError(
      code,
      `${this.operation}: ${message}`,
      uniformOutcomes(entries, "not-applied", code),
    );
  }

  #interrupt(why: Interruption): void {
    for (const waiter of [...this.#waiters]) waiter.interrupt(why);
  }
}
