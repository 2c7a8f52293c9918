import { Worker } from "node:worker_threads";

/** Between two looks at the memory, in milliseconds. */
const interval = 2;

/**
 * Watches the process's resident memory from a thread of its own, so that it sees what happens while the event loop is
 * busy too.
 */
export class MemorySampler implements AsyncDisposable {
  /** The highest seen, in KiB. */
  readonly #highest: Int32Array = new Int32Array(new SharedArrayBuffer(4));
  readonly #worker: Worker;

  constructor() {
    this.#worker = new Worker(
      `const { workerData } = require("node:worker_threads");
       setInterval(() => {
         const now = process.memoryUsage.rss() / 1024;
         if (now > Atomics.load(workerData, 0)) Atomics.store(workerData, 0, now);
       }, ${interval});`,
      { eval: true, workerData: this.#highest },
    );
  }

  /** Forgets what was seen. */
  reset(): void {
    Atomics.store(this.#highest, 0, process.memoryUsage.rss() / 1024);
  }

  /** In bytes. */
  get highest(): number {
    return Math.max(Atomics.load(this.#highest, 0) * 1024, process.memoryUsage.rss());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}
