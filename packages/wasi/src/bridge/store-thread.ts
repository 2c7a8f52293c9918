import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { StoreError } from "@manykv/core";
import type { FailedCall } from "../stores/call-runner.js";
import type { Answer, CallName } from "../stores/calls.js";
import type { StoreSettings } from "../stores/store-table.js";
import { BlockingCaller } from "./blocking-caller.js";
import { createBridge } from "./serve-calls.js";
import { toStoreError, type WorkerCommand, type WorkerMessage, type WorkerSettings } from "./worker-messages.js";

export interface StoreThreadOptions {
  readonly timeout: number;
  readonly maxResultBytes: number;
  readonly onError: ((failed: FailedCall) => void) | undefined;
}

/**
 * A worker that owns the stores. Components without JSPI cannot wait for a promise, so this thread blocks until the
 * worker responds.
 */
export class StoreThread {
  readonly #settings: StoreSettings;
  readonly #options: StoreThreadOptions;
  #started: StartedThread | undefined;
  #closed: Promise<void> | undefined;

  constructor(settings: StoreSettings, options: StoreThreadOptions) {
    this.#settings = settings;
    this.#options = options;
  }

  call(identifier: string, name: CallName, args: readonly unknown[]): Answer<unknown> {
    if (this.#closed !== undefined) return closed;
    return this.#start().caller.call(identifier, name, args);
  }

  /** Opens all stores, and rejects if one of them cannot be opened. */
  async open(): Promise<void> {
    if (this.#settings.size > 0) await this.#start().command("open");
  }

  close(): Promise<void> {
    this.#closed ??= this.#started?.close() ?? Promise.resolve();
    return this.#closed;
  }

  #start(): StartedThread {
    this.#started ??= new StartedThread(this.#settings, this.#options);
    return this.#started;
  }
}

class StartedThread {
  readonly caller: BlockingCaller;
  readonly #worker: Worker;
  /** Commands that the worker has not settled. */
  readonly #waiting: Map<WorkerCommand, (error?: unknown) => void> = new Map();

  constructor(settings: StoreSettings, { timeout, maxResultBytes, onError }: StoreThreadOptions) {
    const [owner, waiting] = createBridge();
    this.caller = new BlockingCaller(waiting, timeout);
    const workerData: WorkerSettings = { settings, bridge: owner, timeout, maxResultBytes };
    // A CommonJS build has no `import.meta.resolve`.
    const file = createRequire(import.meta.url).resolve("#store-worker");
    this.#worker = new Worker(file, { workerData, transferList: [owner.port] });
    this.#worker.on("message", (message: WorkerMessage) => {
      if ("settled" in message) this.#waiting.get(message.settled)?.(message.error && toStoreError(message.error));
      else onError?.({ ...message.failed, error: toStoreError(message.failed.error) });
    });
    this.#worker.on("error", (error) => this.#fail(error));
    this.#worker.on("exit", () => this.#fail(new StoreError("closed", "keyvalue: the thread of the stores ended")));
    // The worker must not keep the process alive after the component returned.
    this.#worker.unref();
  }

  command(command: WorkerCommand): Promise<void> {
    const settled = new Promise<void>((resolve, reject) => {
      this.#waiting.set(command, (error) => (error === undefined ? resolve() : reject(error)));
    });
    this.#worker.ref();
    this.#worker.postMessage(command);
    return settled.finally(() => this.#worker.unref());
  }

  async close(): Promise<void> {
    try {
      await this.command("close");
    } finally {
      await this.#worker.terminate();
    }
  }

  #fail(error: unknown): void {
    for (const settle of this.#waiting.values()) settle(error);
  }
}

const closed: Answer<never> = { failure: { code: "closed", message: "closed: the host closed the store" } };
