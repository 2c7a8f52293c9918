import { setTimeout as delay } from "node:timers/promises";
import { createRequest, type DriverRequest, type Fault, FaultError, waitFor } from "@manykv/core/driver";
import { classify } from "../error-table.js";
import { BoundStatement } from "../protocol/bound-statement.js";
import { Statement } from "../protocol/statement.js";
import type { ClientPool, ServerProcess } from "./client-pool.js";

/**
 * Returns a statement that terminates exactly this process and returns one row while the process exists. The server
 * rolls back the transaction of a process before it removes this row. So without a row, the process can change nothing.
 * https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL
 *
 * The first column is 1 if the current role cannot see the start time of the process with this ID. The process may
 * then be a different one with the same ID, so the statement does not terminate it.
 */
function terminate({ id, start }: ServerProcess): BoundStatement {
  const bound = new BoundStatement(
    new Statement(
      "SELECT (backend_start IS NULL)::int4, CASE WHEN backend_start IS NOT NULL THEN pg_terminate_backend(pid) END " +
        `FROM pg_stat_get_activity(${id}) WHERE backend_start = $1::timestamptz OR backend_start IS NULL`,
    ),
  );
  bound.raw(start);
  return bound;
}

/** Shortest and longest wait before the next check that a terminated process has exited, in milliseconds. */
const shortestWait = 1;
const longestWait = 50;

/** Tracks the server processes that may still apply a write whose reply was lost. */
export class LostWrites {
  readonly #pool: ClientPool;
  readonly #processes: Set<ServerProcess> = new Set();
  /** The termination of each process, shared by all requests that wait until the process is gone. */
  readonly #terminations: WeakMap<ServerProcess, SharedWork> = new WeakMap();

  constructor(pool: ClientPool) {
    this.#pool = pool;
  }

  get any(): boolean {
    return this.#processes.size > 0;
  }

  /** Adds a process. Returns a fence: a function that terminates the process and waits until the process is gone. */
  add(process: ServerProcess): NonNullable<Fault["fence"]> {
    this.#processes.add(process);
    return (request) => this.#end(process, request);
  }

  /** Terminates all tracked processes and waits until they are gone. */
  async settle(request: DriverRequest): Promise<void> {
    await Promise.all(Array.from(this.#processes, (process) => this.#end(process, request)));
  }

  #end(process: ServerProcess, request: DriverRequest): Promise<void> {
    let termination = this.#terminations.get(process);
    if (termination === undefined || termination.isOver) {
      termination = new SharedWork((shared) => this.#terminate(process, shared));
      this.#terminations.set(process, termination);
    }
    return termination.wait(request);
  }

  async #terminate(process: ServerProcess, request: DriverRequest): Promise<void> {
    try {
      let wait = shortestWait;
      while (await this.#exists(process, request)) {
        await delay(wait, undefined, { signal: request.signal });
        wait = Math.min(2 * wait, longestWait);
      }
      this.#processes.delete(process);
    } catch (error) {
      // The role may never get the permission, so later writes do not wait for this process.
      if (classify(error).code === "access-denied") this.#processes.delete(process);
      throw error;
    }
  }

  /** Makes the server terminate a process. Returns whether it still existed. Throws if the role cannot identify it. */
  async #exists(process: ServerProcess, request: DriverRequest): Promise<boolean> {
    let exists = false;
    let hidden = false;
    const client = await this.#pool.checkOut(request);
    try {
      await client.run(terminate(process), request, (row) => {
        exists = true;
        hidden = row.integer() === 1;
      });
    } finally {
      client.release();
    }
    if (!hidden) return exists;
    const reason = "the role cannot see the server process of an earlier write";
    throw new FaultError({ code: "access-denied", retryable: false, effect: "none", reason });
  }
}

/** Work for which several requests wait, each until its own deadline. Aborted when the last request stops waiting. */
export class SharedWork {
  readonly #controller: AbortController = new AbortController();
  readonly #done: Promise<void>;
  #waiting = 0;

  constructor(work: (request: DriverRequest) => Promise<void>) {
    this.#done = work(createRequest({ bucket: "", signal: this.#controller.signal }));
  }

  /** Whether all requests have stopped waiting. The work is then done or aborted: a later request needs new work. */
  get isOver(): boolean {
    return this.#controller.signal.aborted;
  }

  /**
   * Waits for the work. Resolves when the work succeeds, and rejects with its error when it fails.
   *
   * @throws {FaultError} `timeout` as soon as the request is aborted.
   */
  async wait(request: DriverRequest): Promise<void> {
    this.#waiting++;
    try {
      await waitFor(request, this.#done);
    } finally {
      if (--this.#waiting === 0) this.#controller.abort();
    }
  }
}
