import { BatchError } from "./batch-error.js";
import { Call } from "./execution/call.js";
import type { Engine } from "./execution/engine.js";
import { refusedOutcomes } from "./execution/outcomes.js";
import { countEntries } from "./input/collect.js";
import { InputError } from "./input/input-error.js";
import type { CallOptions } from "./store.js";
import { StoreError } from "./store-error.js";
import type { Settings } from "./store-options.js";

/** What a store and its buckets share: the engine, the settings, and the calls in flight. */
export class Session {
  readonly engine: Engine;
  readonly settings: Settings;
  #inFlight = 0;
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;

  constructor(engine: Engine, settings: Settings) {
    this.engine = engine;
    this.settings = settings;
  }

  /** @throws {StoreError} `closed` after `close()`. */
  checkOpen(): void {
    if (this.#closing === undefined) return;
    throw new StoreError("closed", "the store was closed: open another");
  }

  /** Runs a call that reads. */
  async read<Result>(
    operation: string,
    bucket: string,
    options: CallOptions | undefined,
    body: (call: Call) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await this.#run(operation, bucket, options, body);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      throw new StoreError(error.code, `${operation}: ${error.message}`);
    }
  }

  /** Runs a call that writes `input`: whatever refuses it before anything is sent becomes a {@link BatchError}. */
  async write(
    operation: string,
    bucket: string,
    options: CallOptions | undefined,
    input: unknown,
    body: (call: Call) => Promise<void>,
  ): Promise<void> {
    try {
      await this.#run(operation, bucket, options, body);
    } catch (error) {
      if (!StoreError.is(error) || BatchError.is(error)) throw error;
      const entries = error instanceof InputError ? error.entries : countEntries(input);
      throw new BatchError(
        error.code,
        `${operation}: ${error.message}`,
        refusedOutcomes(entries, error.code),
      );
    }
  }

  /** Waits for the calls in flight, then closes the driver. A second call gives the same promise. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
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

  async #run<Result>(
    operation: string,
    bucket: string,
    options: CallOptions | undefined,
    body: (call: Call) => Promise<Result>,
  ): Promise<Result> {
    this.checkOpen();
    const call = new Call(operation, bucket, options, this.settings.timeout);
    const start = performance.now();
    this.#inFlight++;
    let code: string | undefined;
    try {
      return await body(call);
    } catch (error) {
      code = StoreError.is(error) ? error.code : "internal";
      throw error;
    } finally {
      call.end();
      this.#trace(call, start, code);
      if (--this.#inFlight === 0) this.#drained?.();
    }
  }

  #trace(call: Call, start: number, code: string | undefined): void {
    const { calls, driver } = this.engine;
    if (!calls.hasSubscribers) return;
    const { operation, bucket } = call;
    calls.publish({ driver: driver.name, operation, bucket, duration: performance.now() - start, code });
  }
}
