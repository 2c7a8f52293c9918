import { clearTimer, nextTurn, now, setTimer, type Timer } from "../clock.js";
import type { StoreCore } from "../create-store.js";
import type { Fault } from "../driver.js";
import { BatchError, explain, StoreError } from "../errors.js";
import { countEntries, deadlinePassed, InputError } from "../input/batch.js";
import { checkCallOptions, isAborted, notSignal } from "../options.js";
import type { CallOptions } from "../store.js";
import { isTraced, traceCall } from "../tracing.js";
import { uniformOutcomes } from "./outcomes.js";
import type { RequestDetails } from "./request.js";

/** The input of a write. If the call fails before it reads the input, the error counts the entries. */
interface WrittenInput {
  readonly input: unknown;
}

/** One call of a bucket or store method: its deadline, its signal, and what it waits for. */
export class Call {
  readonly core: StoreCore;
  readonly operation: string;
  readonly bucket: string;
  /** Maximum duration, in milliseconds. */
  timeout: number;
  /** When the call times out, in milliseconds on the clock of `performance.now()`. */
  deadline: number = Infinity;
  /** Why the call sends no more requests. `undefined` while the call may send requests. */
  fault: Fault | undefined;
  /** Number of entries in the caller's input. 1 until the input is read. */
  batchSize = 1;
  /** Number of entries with a lost request that may still take effect. */
  unsettled = 0;
  /** What the call requests besides keys and values. */
  details: RequestDetails | undefined;
  /** Identifies the call in tracing events. */
  id = "";
  #signal: AbortSignal | undefined;
  #isAbandoned = false;
  #stopListening: (() => void) | undefined;
  readonly #waiters: Waiter[] = [];

  constructor(core: StoreCore, operation: string, bucket: string) {
    this.core = core;
    this.operation = operation;
    this.bucket = bucket;
    this.timeout = core.options.timeout;
    core.enter();
  }

  /**
   * Runs the call: applies `options`, whose names must be in `known`, publishes the tracing events, and converts the
   * error that `work` fails with. A write passes its input as `written`, so that the error contains all outcomes.
   */
  run<Options extends CallOptions, Result>(
    options: Options | undefined,
    work: (options: Options | undefined) => Promise<Result>,
    { known, written }: { readonly known?: readonly string[]; readonly written?: WrittenInput } = {},
  ): Promise<Result> {
    return this.perform(() => work(this.#start(options, known)), written);
  }

  /** Like `run`, for a call that already has its `timeout` and `deadline`. Also works while the store is closing. */
  perform<Result>(work: () => Promise<Result>, written?: WrittenInput): Promise<Result> {
    const perform = async (): Promise<Result> => {
      try {
        return await work();
      } catch (error) {
        throw this.#errorOf(error, written);
      } finally {
        this.#stopListening?.();
        this.core.leave();
      }
    };
    return isTraced(this.core.callTracing) ? traceCall(this, perform) : perform();
  }

  #start<Options extends CallOptions>(options: Options | undefined, known?: readonly string[]): Options | undefined {
    this.core.checkOpen();
    const checked = options === undefined ? undefined : checkCallOptions(options, known);
    const { timeout = this.timeout, signal } = checked ?? {};
    this.timeout = timeout;
    this.deadline = now() + timeout;
    if (signal !== undefined) {
      this.#stopListening = this.core.abortListeners.add(signal, () => this.#interrupt("aborted"));
      this.#signal = signal;
    }
    return checked;
  }

  /** The operation, bucket and driver, for error messages. */
  get description(): string {
    const bucket = this.bucket === "" ? "" : ` on bucket "${this.bucket}"`;
    return `${this.operation}${bucket} (${this.core.driver.name})`;
  }

  /** Returns the error for a fault. `entry` names the entry that failed. */
  failure(fault: Fault, entry = ""): StoreError {
    return new StoreError(fault.code, `${this.description}: ${entry}${explain(fault)}`, fault);
  }

  get cancelled(): boolean {
    return this.#isAbandoned || (this.#signal !== undefined && isAborted(this.#signal));
  }

  /** Time until the deadline, in milliseconds. May be negative or `Infinity`. */
  get timeLeft(): number {
    return this.deadline - now();
  }

  /** Makes the call send no more requests. The call still waits for its requests in flight. */
  stop(fault: Fault): void {
    this.fault ??= fault;
  }

  /** Makes the call send no more requests, and interrupts those in flight. */
  cancel(fault: Fault): void {
    this.stop(fault);
    this.#interrupt("aborted");
  }

  /** Resolves with the result of `promise`, with `timeout` at `due`, or with `aborted` when the call is cancelled. */
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
   * Lets other work on the event loop run.
   *
   * @throws {InputError} if the call was cancelled or its deadline passed.
   */
  async nextTurn(entries: number): Promise<void> {
    await nextTurn();
    if (this.cancelled) throw new InputError("aborted", "the signal was aborted", entries);
    if (this.timeLeft > 0) return;
    throw new InputError("timeout", deadlinePassed, entries);
  }

  /** Returns the error that the call rejects with. A write always rejects with a {@link BatchError}. */
  #errorOf(error: unknown, written: WrittenInput | undefined): unknown {
    const isInputError = error instanceof InputError;
    if (written === undefined ? !isInputError : !StoreError.is(error) || BatchError.is(error)) return error;
    const { code, message } = error as StoreError;
    const text = `${this.operation}: ${message}`;
    if (written === undefined) return new StoreError(code, text);
    const deadline = Math.min(this.deadline, now() + this.timeout);
    this.batchSize = isInputError ? error.entries : countEntries(written.input, deadline);
    return new BatchError(code, text, uniformOutcomes(this.batchSize, "not-applied", { code }));
  }

  /** Cancels the call, because none of the calls that it was made for waits for it any longer. */
  abandon(): void {
    this.#isAbandoned = true;
    this.cancel({ code: "aborted", retryable: false, effect: "none" });
  }

  #interrupt(why: Interruption): void {
    for (const waiter of [...this.#waiters]) waiter.interrupt(why);
  }
}

export type Interruption = "timeout" | "aborted";

export interface Waiter {
  /** When to call `interrupt`, in milliseconds on the clock of `performance.now()`. */
  readonly due: number;
  readonly interrupt: (why: Interruption) => void;
}

/** Maximum delay of a JavaScript timer, in milliseconds. */
const longestTimer = 2 ** 31 - 1;

/**
 * Interrupts waiters when they are due. All calls of a store share one timer, because creating a timer for each
 * call would make small calls noticeably slower. The timer keeps the process alive only while there are waiters.
 */
export class DeadlineTimer {
  readonly #waiters: Set<Waiter> = new Set();
  #timer: Timer | undefined;
  /** When the timer fires, in milliseconds on the clock of `performance.now()`: no later than the earliest `due`. */
  #firesAt = Infinity;

  add(waiter: Waiter): void {
    this.#waiters.add(waiter);
    if (waiter.due < this.#firesAt) this.#set(waiter.due);
    else if (this.#waiters.size === 1) this.#timer?.ref?.();
  }

  delete(waiter: Waiter): void {
    if (this.#waiters.delete(waiter) && this.#waiters.size === 0) this.#timer?.unref?.();
  }

  stop(): void {
    clearTimer(this.#timer);
    this.#timer = undefined;
    this.#firesAt = Infinity;
  }

  #set(due: number): void {
    clearTimer(this.#timer);
    this.#firesAt = due;
    const delay = Math.ceil(Math.max(0, due - now()));
    this.#timer = setTimer(this.#fire, Math.min(delay, longestTimer));
  }

  readonly #fire = (): void => {
    const time = now();
    let next = Infinity;
    this.stop();
    for (const waiter of [...this.#waiters]) {
      if (waiter.due <= time) waiter.interrupt("timeout");
      else next = Math.min(next, waiter.due);
    }
    if (next < Infinity) this.#set(next);
  };
}

/**
 * Adds one listener to each signal, even if many calls share the signal. With one listener per call, Node.js would warn
 * about a possible memory leak from the eleventh call on.
 */
export class SharedAbortListeners {
  readonly #bySignal: WeakMap<AbortSignal, SignalListeners> = new WeakMap();

  /**
   * Calls `listener` when the signal is aborted. Returns a function that removes the listener.
   *
   * @throws {StoreError} `invalid-argument` if the signal rejects the listener.
   */
  add(signal: AbortSignal, listener: () => void): () => void {
    const listeners = this.#bySignal.get(signal) ?? new SignalListeners();
    try {
      if (listeners.size === 0) signal.addEventListener("abort", listeners.notify);
    } catch {
      throw notSignal();
    }
    this.#bySignal.set(signal, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      try {
        if (listeners.size === 0) signal.removeEventListener("abort", listeners.notify);
      } catch {
        // The call has its result. A listener that remains does nothing.
      }
    };
  }
}

class SignalListeners extends Set<() => void> {
  /** Does not read the event, because the signals of other libraries may pass none. */
  readonly notify = (): void => {
    for (const listener of [...this]) listener();
  };
}
