import { setTimeout as delay } from "node:timers/promises";
import {
  clearTimer,
  createRequest,
  type DriverRequest,
  type Fault,
  FaultError,
  type KeysRequest,
  setTimer,
  waitFor,
} from "@manykv/core/driver";
import { classify } from "../error-table.js";
import { BoundStatement } from "../protocol/bound-statement.js";
import { Statement } from "../protocol/statement.js";
import { bucketPrefix } from "../table/stored-key.js";
import type { ClientPool } from "./client-pool.js";
import type { ServerProcess } from "./server-session.js";

/**
 * Returns a statement that terminates exactly this process and returns whether the process exists. The server rolls
 * back the transaction of a process before it removes the process from this list. So a process that is missing can
 * change nothing. https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL
 *
 * If the role cannot see the start time of the process with this ID, the statement does not terminate the process,
 * because it may be a different one with the same ID. A standby does not list the processes of the primary.
 */
function terminate({ id, start }: ServerProcess): BoundStatement {
  const bound = new BoundStatement(
    new Statement(
      `SELECT CASE WHEN pg_is_in_recovery() THEN ${onStandby} WHEN pid IS NULL THEN ${gone} ` +
        `WHEN backend_start IS NULL THEN ${hidden} ELSE ${exists} END, ` +
        "CASE WHEN backend_start IS NOT NULL THEN pg_terminate_backend(pid) END FROM (SELECT) AS one " +
        `LEFT JOIN pg_stat_get_activity(${id}) ON backend_start = $1::timestamptz OR backend_start IS NULL`,
    ),
  );
  bound.raw(start);
  return bound;
}

const [gone, exists, hidden, onStandby] = [0, 1, 2, 3] as const;

/** Shortest and longest wait before the next check that a terminated process has exited, in milliseconds. */
const shortestWait = 1;
const longestWait = 200;
/** Maximum time for one check, in milliseconds. */
const longestCheck = 2_000;
/** Maximum time that `sweep` spends on all processes, in milliseconds. */
const longestSweep = 5_000;

const notSettled: Fault = {
  code: "timeout",
  retryable: true,
  effect: "none",
  reason: "an earlier write of the same key cannot be settled: end its server process, or try again later",
};

const standby: Fault = {
  code: "unavailable",
  retryable: true,
  effect: "none",
  reason: "the server is a standby, which does not know the processes of the primary",
};
const notVisible: Fault = {
  code: "access-denied",
  retryable: false,
  effect: "none",
  reason: "the role cannot see the server process of an earlier write",
};

/** A request that writes keys, or that creates the table. */
export type WriteRequest = DriverRequest & Partial<Pick<KeysRequest, "bucket" | "keys">>;

function storedKeys({ bucket = "", keys = [] }: WriteRequest): readonly string[] {
  return keys.map((key) => bucketPrefix(bucket) + key);
}

/** Tracks the server processes that may still apply a write whose reply was lost. */
export class LostWrites {
  /** Whether the server has refused to terminate a process. */
  isRefused = false;
  readonly #pool: ClientPool;
  /** The stored keys that each process may still write. */
  readonly #keys: Map<ServerProcess, ReadonlySet<string>> = new Map();
  /** The termination of each process, shared by all requests that wait until the process is gone. */
  readonly #terminations: WeakMap<ServerProcess, SharedWork> = new WeakMap();
  /** Aborts the sweep that is running. */
  #sweep: AbortController | undefined;

  constructor(pool: ClientPool) {
    this.#pool = pool;
  }

  get any(): boolean {
    return this.#keys.size > 0;
  }

  /** Adds a process. Returns a fence: a function that terminates the process and waits until the process is gone. */
  add(process: ServerProcess, request: WriteRequest): NonNullable<Fault["fence"]> {
    this.#keys.set(process, new Set(storedKeys(request)));
    return (request) => this.#end(process, request);
  }

  /**
   * Terminates the tracked processes that may still write a key of the request, and waits until they are gone. Does not
   * wait for a process that the role cannot terminate: the call whose reply was lost has reported this.
   *
   * @throws {FaultError} if the request is aborted first, or if the server cannot be reached.
   */
  async settle(request: WriteRequest): Promise<void> {
    const written = storedKeys(request);
    const conflicting = [...this.#keys].filter(([, keys]) => written.some((key) => keys.has(key)));
    await Promise.all(
      conflicting.map(async ([process]) => {
        try {
          await this.#end(process, request);
        } catch (error) {
          if (request.aborted) throw new FaultError(notSettled);
          if (this.#keys.has(process)) throw error;
        }
      }),
    );
  }

  /** Starts to terminate all tracked processes, so that they do not stay until one of their keys is written again. */
  sweep(): void {
    if (this.#sweep !== undefined) return;
    const controller = new AbortController();
    this.#sweep = controller;
    const timer = setTimer(() => controller.abort(), longestSweep).unref();
    const request = createRequest({ bucket: "", signal: controller.signal });
    const ends = Array.from(this.#keys.keys(), (process) => this.#end(process, request));
    void Promise.allSettled(ends).then(() => {
      clearTimer(timer);
      this.#sweep = undefined;
    });
  }

  /** Stops the sweep. */
  close(): void {
    this.#sweep?.abort();
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
    let wait = shortestWait;
    while (await this.#mayExist(process, request)) {
      await delay(wait, undefined, { signal: request.signal, ref: false });
      wait = Math.min(2 * wait, longestWait);
    }
    this.#keys.delete(process);
  }

  /** Like `#exists`, but returns `true` if no answer arrives in time: another connection may get one. */
  async #mayExist(process: ServerProcess, request: DriverRequest): Promise<boolean> {
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(longestCheck)]);
    try {
      return await this.#exists(process, createRequest({ bucket: "", signal }));
    } catch (error) {
      if (request.aborted || !signal.aborted) throw error;
      return true;
    }
  }

  /** Makes the server terminate a process. Returns whether it still existed. Throws if this cannot be known. */
  async #exists(process: ServerProcess, request: DriverRequest): Promise<boolean> {
    let state: number | undefined;
    const client = await this.#pool.checkOut(request);
    try {
      await client.run(terminate(process), request, (row) => {
        state = row.integer();
      });
    } catch (error) {
      if (classify(error).code === "access-denied") this.#giveUp(process);
      throw error;
    } finally {
      client.release();
    }
    if (state === gone || state === exists) return state === exists;
    if (state === onStandby) throw new FaultError(standby);
    this.#giveUp(process);
    throw new FaultError(notVisible);
  }

  /** Stops tracking a process that the role cannot terminate. It may never get the permission. */
  #giveUp(process: ServerProcess): void {
    this.isRefused = true;
    this.#keys.delete(process);
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
