import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { createBridge, serveCalls } from "../bridge/serve-calls.js";
import type { DescribedError } from "../bridge/worker-messages.js";
import type { CallRunner } from "../stores/call-runner.js";
import type { HttpRequest, ResponseSink } from "./exchange.js";
import type { RequestWorkerData } from "./request-worker.js";

/** What a thread sends about its request: a call of the sink, or the end of the work. */
export type ThreadMessage =
  | {
      readonly [Name in keyof ResponseSink]: { readonly name: Name; readonly args: Parameters<ResponseSink[Name]> };
    }[keyof ResponseSink]
  | { readonly name: "done"; readonly error?: DescribedError };

interface Job {
  readonly request: HttpRequest;
  readonly sink: ResponseSink;
  readonly settle: (error?: Error) => void;
}

/**
 * Threads that handle requests. A component without JSPI blocks its thread while it waits for a store, so each thread
 * handles one request at a time. The stores belong to the thread of the server.
 */
export class RequestThreads {
  readonly #data: Omit<RequestWorkerData, "bridge">;
  readonly #runner: CallRunner | undefined;
  readonly #maxThreads: number;
  readonly #threads: Set<Worker> = new Set();
  readonly #idle: Worker[] = [];
  readonly #queue: Job[] = [];
  readonly #jobs: Map<Worker, Job> = new Map();

  constructor(data: Omit<RequestWorkerData, "bridge">, runner: CallRunner | undefined, maxThreads: number) {
    this.#data = data;
    this.#runner = runner;
    this.#maxThreads = maxThreads;
  }

  handle(request: HttpRequest, sink: ResponseSink): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ request, sink, settle: (error) => (error === undefined ? resolve() : reject(error)) });
      if (this.#idle.length === 0 && this.#threads.size < this.#maxThreads) this.#start();
      this.#next();
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#threads].map((thread) => thread.terminate()));
  }

  #start(): void {
    const [owner, waiting] = createBridge();
    if (this.#runner !== undefined) serveCalls(this.#runner, owner);
    const workerData: RequestWorkerData = { ...this.#data, bridge: waiting };
    const file = createRequire(import.meta.url).resolve("#request-worker");
    const thread = new Worker(file, { workerData, transferList: [waiting.port] });
    this.#threads.add(thread);
    this.#idle.push(thread);
    thread.on("message", (message: ThreadMessage) => this.#receive(thread, message));
    let cause: unknown;
    thread.on("error", (error) => {
      cause = error;
    });
    thread.on("exit", () => this.#lost(thread, cause));
    thread.on("exit", () => owner.port.close());
  }

  #next(): void {
    while (this.#queue.length > 0) {
      const thread = this.#idle.pop();
      if (thread === undefined) return;
      const job = this.#queue.shift() as Job;
      this.#jobs.set(thread, job);
      thread.postMessage(job.request);
    }
  }

  #receive(thread: Worker, message: ThreadMessage): void {
    const job = this.#jobs.get(thread);
    if (message.name !== "done") {
      (job?.sink[message.name] as ((...args: unknown[]) => void) | undefined)?.(...message.args);
      return;
    }
    this.#jobs.delete(thread);
    this.#idle.push(thread);
    job?.settle(message.error && new Error(message.error.message));
    this.#next();
  }

  /** A thread ended, for example because its memory ran out. Its request failed; the others get another thread. */
  #lost(thread: Worker, cause: unknown): void {
    this.#threads.delete(thread);
    const index = this.#idle.indexOf(thread);
    if (index !== -1) this.#idle.splice(index, 1);
    const job = this.#jobs.get(thread);
    this.#jobs.delete(thread);
    job?.sink.abort();
    job?.settle(cause instanceof Error ? cause : new Error("the thread of the component ended"));
    if (this.#queue.length === 0) return;
    this.#start();
    this.#next();
  }
}
