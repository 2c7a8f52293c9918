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
import { asFaultError, classify } from "../error-table.js";
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
/** Maximum time for settling a write in the background, in milliseconds. */
const longestSettling = 5_000;
/** Maximum time for settling lost writes when the store closes, in milliseconds. */
const closingTime = 100;

const doesNotExit: Fault = {
  code: "timeout",
  retryable: true,
  effect: "none",
  reason: "the server process of an earlier write of the same key does not exit: end it, or try again later",
};
const noAnswer: Fault = {
  code: "timeout",
  retryable: true,
  effect: "none",
  reason: "an earlier write of the same key is not settled, because the server does not respond: try again later",
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

/** A write whose reply was lost. */
interface LostWrite {
  readonly process: ServerProcess;
  /** The stored keys that the process may still write. */
  readonly keys: ReadonlySet<string>;
  /** Whether the server has answered that the process still exists. */
  exists: boolean;
  /** The termination of the process, shared by all requests that wait until the process is gone. */
  termination: SharedWork | undefined;
}

/** Terminates the server processes that may still apply a write whose reply was lost. */
export class LostWrites {
  /** Whether the server has refused to terminate a process. */
  isRefused = false;
  readonly #pool: ClientPool;
  readonly #writes: Set<LostWrite> = new Set();
  /** The writes that this store settles in the background. Each promise resolves when that work ends. */
  readonly #background: Map<LostWrite, Promise<void>> = new Map();
  /** `close` aborts this request to end the work in the background. */
  readonly #closing: ReturnType<typeof createRequest> = createRequest({ bucket: "" });

  constructor(pool: ClientPool) {
    this.#pool = pool;
  }

  get any(): boolean {
    return this.#writes.size > 0;
  }

  /**
   * Adds a write and starts to settle it, because a cancelled call runs no fence and another client may write the same key.
   * Returns a fence: a function that terminates the process and waits until the process is gone.
   */
  add(process: ServerProcess, request: WriteRequest): NonNullable<Fault["fence"]> {
    const write: LostWrite = { process, keys: new Set(storedKeys(request)), exists: false, termination: undefined };
    this.#writes.add(write);
    this.settleInBackground();
    return (request) => this.#end(write, request);
  }

  /**
   * Terminates the tracked processes that may still write a key of the request, and waits until they are gone. Does not
   * wait for a process that the role cannot terminate: the call whose reply was lost has reported this.
   *
   * @throws {FaultError} if the request is aborted first, or if the server cannot be reached.
   */
  async settle(request: WriteRequest): Promise<void> {
    const written = storedKeys(request);
    const conflicting = [...this.#writes].filter(({ keys }) => written.some((key) => keys.has(key)));
    await Promise.all(
      conflicting.map(async (write) => {
        try {
          await this.#end(write, request);
        } catch (error) {
          if (request.aborted) throw new FaultError(write.exists ? doesNotExit : noAnswer);
          if (this.#writes.has(write)) throw error;
        }
      }),
    );
  }

  /** Starts to settle all lost writes that are not being settled in the background. */
  settleInBackground(): void {
    for (const write of this.#writes) {
      if (this.#background.has(write)) continue;
      const settling = within(longestSettling, this.#closing, (request) => this.#settleOne(write, request));
      // A failure needs no report here: the next write tries again.
      const end = (): void => void this.#background.delete(write);
      this.#background.set(write, settling.then(end, end));
    }
  }

  /** Tries for 100 ms to settle the lost writes. Then stops the work in the background. */
  async close(): Promise<void> {
    this.settleInBackground();
    const timer = setTimer(() => this.#closing.abort(), closingTime);
    await Promise.all(this.#background.values());
    clearTimer(timer);
  }

  /** Settles a write. Repeats this after temporary failures, until it takes too long or the store closes. */
  async #settleOne(write: LostWrite, request: DriverRequest): Promise<void> {
    for (let wait = shortestWait; this.#writes.has(write); wait = Math.min(2 * wait, longestWait)) {
      try {
        await this.#end(write, request);
      } catch (error) {
        if (request.aborted || !asFaultError(error).fault.retryable) throw error;
        await pause(wait, request);
      }
    }
  }

  #end(write: LostWrite, request: DriverRequest): Promise<void> {
    if (write.termination === undefined || write.termination.isOver) {
      write.termination = new SharedWork((shared) => this.#terminate(write, shared));
    }
    return write.termination.wait(request);
  }

  async #terminate(write: LostWrite, request: DriverRequest): Promise<void> {
    for (let wait = shortestWait; await this.#mayExist(write, request); wait = Math.min(2 * wait, longestWait)) {
      await pause(wait, request);
    }
    this.#writes.delete(write);
  }

  /** Like `#exists`, but returns `true` if no answer arrives in time: another connection may get one. */
  #mayExist(write: LostWrite, request: DriverRequest): Promise<boolean> {
    return within(longestCheck, request, async (check) => {
      try {
        write.exists = await this.#exists(write, check);
        return write.exists;
      } catch (error) {
        if (request.aborted || !check.aborted) throw error;
        return true;
      }
    });
  }

  /** Makes the server terminate a process. Returns whether it still existed. Throws if this cannot be known. */
  async #exists(write: LostWrite, request: DriverRequest): Promise<boolean> {
    let state: number | undefined;
    const client = await this.#pool.checkOut(request);
    try {
      await client.run(terminate(write.process), request, (row) => {
        state = row.integer();
      });
    } catch (error) {
      if (classify(error).code === "access-denied") this.#giveUp(write);
      throw error;
    } finally {
      client.release();
    }
    if (state === gone || state === exists) return state === exists;
    if (state === onStandby) throw new FaultError(standby);
    this.#giveUp(write);
    throw new FaultError(notVisible);
  }

  /** Stops tracking a process that the role cannot terminate. It may never get the permission. */
  #giveUp(write: LostWrite): void {
    this.isRefused = true;
    this.#writes.delete(write);
  }
}

/** Calls `work` with a request that is aborted together with `parent`, or when the time has passed. */
async function within<Result>(
  milliseconds: number,
  parent: DriverRequest,
  work: (request: DriverRequest) => Promise<Result>,
): Promise<Result> {
  const request = createRequest({ bucket: "" });
  const timer = setTimer(() => request.abort(), milliseconds).unref();
  const stopListening = parent.onAbort(() => request.abort());
  try {
    return await work(request);
  } finally {
    clearTimer(timer);
    stopListening();
  }
}

/** Waits. Rejects as soon as the request is aborted. Does not keep the process alive. */
function pause(milliseconds: number, { signal }: DriverRequest): Promise<void> {
  return delay(milliseconds, undefined, { signal, ref: false });
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
