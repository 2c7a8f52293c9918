import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { buildForwarder } from "@manykv/wasi-guests";
import type { KeyvalueOptions } from "../../src/index.js";
import { cache, type WitError } from "./guest.js";

/** What a call of the guest returned, the error that the guest received, or the reason of a trap. */
export type Outcome = { readonly value?: unknown; readonly error?: WitError; readonly trap?: string };

/** An instance of the forwarder in a thread. */
export class GuestThread {
  readonly #worker: Worker;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  static async start(options: KeyvalueOptions): Promise<GuestThread> {
    const worker = new Worker(new URL("guest-thread.mjs", import.meta.url), {
      workerData: { component: await buildForwarder("draft2"), cache, options },
    });
    await once(worker, "message");
    return new GuestThread(worker);
  }

  call(name: string, ...args: unknown[]): Promise<Outcome> {
    return this.run<Outcome>("call", { name, args });
  }

  async run<Result = undefined>(program: "call" | "increments" | "sizes" | "close", input?: unknown): Promise<Result> {
    this.#worker.postMessage({ program, input });
    const [result] = await once(this.#worker, "message");
    return result as Result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run("close");
    await this.#worker.terminate();
  }
}
