import { setTimeout as delay } from "node:timers/promises";
import type { DriverRequest, Fault } from "@manykv/core";
import { FaultError } from "../fault-error.js";
import { integerParameter, rawParameter } from "../protocol/parameter.js";
import type { Backend } from "./backend.js";
import type { Database } from "./database.js";
import { SharedWork } from "./shared-work.js";

/**
 * Ends that very process, if it is still there. A session's row goes away after its transaction was rolled back, so
 * once nothing is found, nothing more can come of it.
 * https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL
 *
 * One row where a process of that number is there: whether its start is hidden, as from a session whose role has changed.
 * It may be that process or a stranger's, so it is left alone.
 */
const terminate = {
  name: "",
  text:
    "SELECT backend_start IS NULL, CASE WHEN backend_start IS NOT NULL THEN pg_terminate_backend(pid) END " +
    "FROM pg_stat_get_activity($1::int4) WHERE backend_start = $2::timestamptz OR backend_start IS NULL",
};

const notSeen: Fault = {
  code: "access-denied",
  retryable: false,
  effect: "none",
  reason: "the role may not see the process of an earlier write",
};

/** Between two looks at a process that is ending: bounds of the wait, in milliseconds. */
const shortestWait = 1;
const longestWait = 50;

/** Writes whose answer was lost, by the process that may yet do them. */
export class LostWrites {
  readonly #database: Database;
  readonly #backends: Set<Backend> = new Set();
  /** However many requests wait for the end of a process, one of them sees to it. */
  readonly #endings: WeakMap<Backend, SharedWork> = new WeakMap();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Takes in a process. Gives the function that makes sure that it is gone. */
  add(backend: Backend): NonNullable<Fault["fence"]> {
    this.#backends.add(backend);
    return (request) => this.#end(backend, request);
  }

  /** Makes sure that all are gone. */
  async settle(request: Pick<DriverRequest, "signal">): Promise<void> {
    if (this.#backends.size === 0) return;
    await Promise.all(Array.from(this.#backends, (backend) => this.#end(backend, request)));
  }

  #end(backend: Backend, request: Pick<DriverRequest, "signal">): Promise<void> {
    let ending = this.#endings.get(backend);
    if (ending === undefined || ending.isOver) {
      ending = new SharedWork((shared) => this.#terminate(backend, shared));
      this.#endings.set(backend, ending);
    }
    return ending.wait(request);
  }

  async #terminate(backend: Backend, request: Pick<DriverRequest, "signal">): Promise<void> {
    try {
      let wait = shortestWait;
      while (await this.#isThere(backend, request)) {
        await delay(wait, undefined, { signal: request.signal });
        wait = Math.min(2 * wait, longestWait);
      }
      this.#backends.delete(backend);
    } catch (error) {
      // What may not be ended now may never be: later writes do not wait for it.
      if (error instanceof FaultError && error.fault.code === "access-denied") this.#backends.delete(backend);
      throw error;
    }
  }

  /** Tells a process to end. Gives whether it was still there. */
  async #isThere(backend: Backend, request: Pick<DriverRequest, "signal">): Promise<boolean> {
    const parameters = [integerParameter(backend.processId), rawParameter(backend.start)];
    let found = false;
    let hidden = false;
    await this.#database.read(terminate, parameters, request, (row) => {
      found = true;
      hidden = row.boolean();
    });
    if (hidden) throw new FaultError(notSeen);
    return found;
  }
}
