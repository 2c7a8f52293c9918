import { clearTimer, createRequest, now, setTimer } from "@manykv/core/driver";
import type { Runner } from "../connection/statement-runner.js";
import { BoundStatement } from "../protocol/bound-statement.js";
import type { Statement } from "../protocol/statement.js";
import { sweptRows } from "./statements.js";

/** Minimum time between two steps that find few expired rows, in milliseconds. */
const interval = 1_000;
/** Maximum time for one step, in milliseconds. */
const longestStep = 5_000;
/** How long `close` waits for a running step, in milliseconds. */
const closingTime = 100;

/** Deletes some expired rows after writes with `ttl`, so that a table whose keys expire does not grow forever. */
export class Reclaimer {
  readonly #runner: Runner;
  readonly #sweep: Statement;
  #running: { readonly request: ReturnType<typeof createRequest>; readonly end: Promise<void> } | undefined;
  /** When the next step may start, on the clock of `now`. A process that ends soon starts none. */
  #next: number = now() + interval;

  constructor(runner: Runner, sweep: Statement) {
    this.#runner = runner;
    this.#sweep = sweep;
  }

  /** Starts a step in the background, unless one is running or the last one was recent and found few expired rows. */
  afterWrite(): void {
    if (this.#running !== undefined || now() < this.#next) return;
    const request = createRequest({ bucket: "" });
    this.#running = { request, end: this.#run(request) };
  }

  /** Waits up to 100 ms for a running step, and then stops it. */
  async close(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    const timer = setTimer(() => running.request.abort(), closingTime);
    await running.end;
    clearTimer(timer);
  }

  async #run(request: ReturnType<typeof createRequest>): Promise<void> {
    const timer = setTimer(() => request.abort(), longestStep).unref();
    let deleted = 0;
    const bound = new BoundStatement(this.#sweep);
    bound.integer(0n);
    try {
      // A lost step may run later. It deletes only expired rows, so no call notices.
      await this.#runner.read(bound, request, (row) => {
        deleted = row.integer();
      });
    } catch {
      // A later step deletes the rows, or `sweep`, which reports errors.
    } finally {
      clearTimer(timer);
      this.#next = deleted < sweptRows ? now() + interval : 0;
      this.#running = undefined;
    }
  }
}
