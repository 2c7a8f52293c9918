import { setTimeout as delay } from "node:timers/promises";
import { createRequest, type DriverRequest, type Fault, FaultError, waitFor } from "@manykv/core/driver";
import { classify } from "../error-table.js";
import { BoundStatement } from "../protocol/bound-statement.js";
import { Statement } from "../protocol/statement.js";
import type { ClientPool, ServerProcess } from "./client-pool.js";

/**
 * Terminates exactly this process if it still exists. A session's row disappears after its transaction was rolled back,
 * so once there is no row, the session can do nothing more.
 * https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL
 *
 * The first column tells whether the start of a process with this number is hidden, as from a session whose role has
 * changed. It may be this process or another, so it is left alone.
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

/** Bounds of the wait before looking at a terminating process again, in milliseconds. */
const shortestWait = 1;
const longestWait = 50;

/** The server processes that may still apply a write whose reply was lost. */
export class LostWrites {
  readonly #pool: ClientPool;
  readonly #processes: Set<ServerProcess> = new Set();
  /** However many requests wait for the end of a process, one of them terminates it. */
  readonly #terminations: WeakMap<ServerProcess, SharedWork> = new WeakMap();

  constructor(pool: ClientPool) {
    this.#pool = pool;
  }

  get any(): boolean {
    return this.#processes.size > 0;
  }

  /** Adds a process, and returns the fence that terminates it. */
  add(process: ServerProcess): NonNullable<Fault["fence"]> {
    this.#processes.add(process);
    return (request) => this.#end(process, request);
  }

  /** Terminates all of them. */
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
      // It may never become permitted, so later writes do not wait for it.
      if (classify(error).code === "access-denied") this.#processes.delete(process);
      throw error;
    }
  }

  /** Tells a process to terminate. Returns whether it still existed. */
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
    const reason = "the role may not see the server process of an earlier write";
    throw new FaultError({ code: "access-denied", retryable: false, effect: "none", reason });
  }
}

/** Work that several requests wait for, each until its own deadline. Aborted when the last of them stops waiting. */
export class SharedWork {
  readonly #controller: AbortController = new AbortController();
  readonly #done: Promise<void>;
  #waiting = 0;

  constructor(work: (request: DriverRequest) => Promise<void>) {
    this.#done = work(createRequest({ bucket: "", signal: this.#controller.signal }));
  }

  /** Whether every request that waited has stopped waiting. A later one must start the work anew. */
  get isOver(): boolean {
    return this.#controller.signal.aborted;
  }

  /**
   * Resolves or rejects like the work.
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
