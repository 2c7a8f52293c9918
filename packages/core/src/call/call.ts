import { BatchError } from "../batch-error.js";
import type { StoreCore } from "../create-store.js";
import type { Fault } from "../driver.js";
import { StoreError } from "../errors.js";
import { countEntries } from "../input/batch.js";
import { InputError } from "../input/check-entry.js";
import { checkCallOptions } from "../options.js";
import type { CallOptions } from "../store.js";
import { type CallEvent, trace } from "../tracing.js";
import { uniformOutcomes } from "./outcomes.js";
import { type Interruption, nextTurn, type Waiter } from "./waiting.js";

const isWrite = /^(set|delete)/;

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
    const { callTracing, driver } = this.core;
    if (!callTracing?.hasSubscribers) return run();
    const start = performance.now();
    const { id, operation, bucket, batchSize } = this;
    const event: CallEvent = { id, driver: driver.name, server: driver.server, operation, bucket, batchSize };
    return trace(callTracing, event, run, (_, error) => {
      event.duration = performance.now() - start;
      event.batchSize = this.batchSize;
      if (BatchError.is(error)) event.outcomes = error.counts;
      else if (error === undefined && isWrite.test(operation)) {
        event.outcomes = { applied: this.batchSize, "not-applied": 0, unknown: 0 };
      }
      if (error === undefined) return;
      event.error = error;
      event.code = StoreError.is(error) ? error.code : "internal";
      if (StoreError.is(error) && error.reason !== undefined) event.reason = error.reason;
    });
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

  /** Interrupts `waiter` when it is due, when the caller cancels or when the call fails. */
  watch(waiter: Waiter): void {
    this.#waiters.push(waiter);
    this.core.timer.add(waiter);
  }

  unwatch(waiter: Waiter): void {
    this.core.timer.delete(waiter);
    const index = this.#waiters.indexOf(waiter);
    if (index >= 0) this.#waiters.splice(index, 1);
  }

  /** Waits, but no longer than until the deadline and not after an interruption. */
  pause(milliseconds: number): Promise<void> {
    if (this.fault !== undefined || this.cancelled) return Promise.resolve();
    return new Promise((resolve) => {
      const waiter: Waiter = {
        due: Math.min(performance.now() + milliseconds, this.deadline),
        interrupt: () => {
          this.unwatch(waiter);
          resolve();
        },
      };
      this.watch(waiter);
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
