import { BatchError } from "./batch-error.js";
import { Call } from "./execution/call.js";
import type { Engine } from "./execution/engine.js";
import { uniformOutcomes } from "./execution/outcomes.js";
import { SignalHub } from "./execution/signal-hub.js";
import { countEntries } from "./input/collect.js";
import { InputError } from "./input/input-error.js";
import type { CallOptions } from "./store.js";
import type { Admit, StoreAccess } from "./store-access.js";
import { StoreError } from "./store-error.js";
import type { Settings } from "./store-options.js";

/** What a store and its buckets share: the engine, the settings, and the calls in flight. */
export class Session implements StoreAccess {
  readonly engine: Engine;
  readonly settings: Settings;
  readonly #signals: SignalHub = new SignalHub();
  readonly #closeListeners: Set<() => void> = new Set();
  #inFlight = 0;
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;
  /** While a call starts that belongs to one in flight. */
  #admitting = false;

  constructor(engine: Engine, settings: Settings) {
    this.engine = engine;
    this.settings = settings;
  }

  /** @throws {StoreError} `closed` after `close()`. */
  checkOpen(): void {
    if (this.#closing === undefined || this.#admitting) return;
    throw new StoreError("closed", "the store was closed: open another");
  }

  /** Runs a call that reads. */
  read<Result>(
    operation: string,
    bucket: string,
    options: CallOptions | undefined,
    body: (call: Call) => Promise<Result>,
  ): Promise<Result> {
    return this.#run(operation, bucket, options, body, (error) =>
      error instanceof InputError ? new StoreError(error.code, `${operation}: ${error.message}`) : error,
    );
  }

  /** Runs a call that writes `input`: whatever refuses it before anything is sent becomes a {@link BatchError}. */
  write(
    operation: string,
    bucket: string,
    options: CallOptions | undefined,
    input: unknown,
    body: (call: Call) => Promise<void>,
  ): Promise<void> {
    return this.#run(operation, bucket, options, body, (error) => {
      if (!StoreError.is(error) || BatchError.is(error)) return error;
      const entries = error instanceof InputError ? error.entries : countEntries(input);
      return new BatchError(
        error.code,
        `${operation}: ${error.message}`,
        uniformOutcomes(entries, "not-applied", error.code),
      );
    });
  }

  get defaultTimeout(): number {
    return this.settings.timeout;
  }

  async compound<Result>(body: (admit: Admit) => Promise<Result>): Promise<Result> {
    this.#inFlight++;
    try {
      return await body(this.#admit);
    } finally {
      this.#leave();
    }
  }

  beforeClose(listener: () => void): () => void {
    this.#closeListeners.add(listener);
    return () => this.#closeListeners.delete(listener);
  }

  /** Waits for the calls in flight, then closes the driver. A second call gives the same promise. */
  close(): Promise<void> {
    if (this.#closing === undefined) {
      for (const listener of [...this.#closeListeners]) listener();
      this.#closing = this.#close();
    }
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
    await this.engine.driver.close();
  }

  /**
   * The promise of this very function is the caller's: a call counts as in flight until nothing but the caller's own
   * continuation is left, so that `close()` cannot overtake it.
   */
  async #run<Result>(
    operation: string,
    bucket: string,
    options: CallOptions | undefined,
    body: (call: Call) => Promise<Result>,
    explained: (error: unknown) => unknown,
  ): Promise<Result> {
    const start = performance.now();
    let call: Call | undefined;
    let code: string | undefined;
    this.#inFlight++;
    try {
      this.checkOpen();
      call = new Call(operation, bucket, options, this.settings.timeout, this.#signals);
      return await body(call);
    } catch (error) {
      code = StoreError.is(error) ? error.code : "internal";
      throw explained(error);
    } finally {
      call?.end();
      this.#trace(operation, bucket, start, code);
      this.#leave();
    }
  }

  #leave(): void {
    if (--this.#inFlight === 0) this.#drained?.();
  }

  /** A call checks whether the store is open before anything else, so within its start. */
  readonly #admit: Admit = (start) => {
    this.#admitting = true;
    try {
      return start();
    } finally {
      this.#admitting = false;
    }
  };

  #trace(operation: string, bucket: string, start: number, code: string | undefined): void {
    const { calls, driver } = this.engine;
    if (!calls.hasSubscribers) return;
    calls.publish({ driver: driver.name, operation, bucket, duration: performance.now() - start, code });
  }
}
