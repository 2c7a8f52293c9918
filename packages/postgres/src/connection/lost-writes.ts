import { setTimeout as delay } from "node:timers/promises";
import type { DriverRequest, Fault } from "@manykv/core";
import { overdue } from "../error-table.js";
import { FaultError } from "../fault-error.js";
import { integerParameter, rawParameter } from "../protocol/parameter.js";
import type { Backend } from "./backend.js";
import type { Database } from "./database.js";

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

  async #end(backend: Backend, request: Pick<DriverRequest, "signal">): Promise<void> {
    const parameters = [integerParameter(backend.processId), rawParameter(backend.start)];
    for (let wait = shortestWait; ; wait = Math.min(2 * wait, longestWait)) {
      let found = false;
      let hidden = false;
      try {
        await this.#database.read(terminate, parameters, request, (row) => {
          found = true;
          hidden = row.boolean();
        });
        if (hidden) throw new FaultError(notSeen);
      } catch (error) {
        // What may not be ended now may never be: later writes do not wait for it.
        if (error instanceof FaultError && error.fault.code === "access-denied")
          this.#backends.delete(backend);
        throw error;
      }
      if (!found) break;
      await pause(wait, request.signal);
    }
    this.#backends.delete(backend);
  }
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(milliseconds, undefined, { signal });
  } catch {
    throw new FaultError({ ...overdue, reason: "an earlier write is not settled yet" });
  }
}
