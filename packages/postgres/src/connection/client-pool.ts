import { type DriverRequest, type Fault, FaultError, waitFor } from "@manykv/core/driver";
import type { Pool, PoolClient } from "pg";
import { faultOfConnecting, timedOut } from "../error-table.js";
import { BoundStatement } from "../protocol/bound-statement.js";
import type { OnRow } from "../protocol/data-row.js";
import { Exchange, ExchangeError } from "../protocol/exchange.js";
import { Statement } from "../protocol/statement.js";
import type { OwnPool } from "./own-pool.js";
import { checkClient, isEnded, type PgClient, unusable } from "./pg-internals.js";

const poolEnded: Fault = { code: "closed", retryable: false, effect: "none", reason: "the caller ended the `pool`" };
const noClient: Fault = { ...timedOut, reason: "no free connection" };

/*
 * Postgres keeps the plan of a prepared statement. A plan that was made while the table was small compares every row
 * with every key, even after the table has grown. So manykv prepares a statement again if the plan is old or was slow.
 * Both limits are in milliseconds.
 */
const oldestPlan = 10_000;
const longestExecution = 50;

/** SQLSTATEs for a prepared statement that is unknown, that already exists, or whose columns have changed type. */
const preparedStatementErrors: ReadonlySet<string | undefined> = new Set(["26000", "42P05", "0A000"]);

/** Checks clients out of the caller's pool or the store's own pool. */
export class ClientPool {
  /**
   * Whether to prepare statements. Becomes `false` after an error in `preparedStatementErrors`, for example behind a
   * pooler that runs each transaction on a different server connection. The server then parses every statement anew.
   */
  prepares: boolean;
  readonly #own: OwnPool | undefined;
  #pool: Pool | undefined;
  readonly #states: WeakMap<PgClient, ConnectionState> = new WeakMap();

  constructor(pool: Pool | OwnPool, prepares: boolean) {
    this.prepares = prepares;
    if ("open" in pool) this.#own = pool;
    else this.#pool = pool;
  }

  /**
   * Returns a client that nothing else uses until it is released.
   *
   * @throws {FaultError} if the pool cannot provide a client, or if the request is aborted first.
   */
  async checkOut(request: DriverRequest): Promise<CheckedOutClient> {
    this.#pool ??= await waitFor(request, (this.#own as OwnPool).open());
    if (request.aborted) throw new FaultError(noClient);
    if (isEnded(this.#pool)) throw new FaultError(poolEnded);
    const client = await connect(this.#pool, request);
    let state = this.#states.get(client);
    if (state === undefined) {
      state = { parsedAt: new Map(), serverProcess: undefined };
      this.#states.set(client, state);
    }
    return new CheckedOutClient(this, client, state);
  }
}

function connect(pool: Pool, request: DriverRequest): Promise<PgClient> {
  return new Promise((resolve, reject) => {
    let aborted = false;
    const stopListening = request.onAbort(() => {
      aborted = true;
      reject(new FaultError(noClient));
    });
    const connected = (error: unknown, client: PoolClient | undefined): void => {
      stopListening();
      // pg cannot cancel a request for a client, so a client that arrives too late is released immediately.
      if (aborted) {
        client?.release();
        return;
      }
      try {
        if (client === undefined) throw error;
        // pg has removed its own `error` listener from the client. Without a listener, an `error` event would end the
        // process. This listener ignores the event, because the next exchange reports the broken connection.
        client.on("error", ignore);
        checkClient(client);
        resolve(client);
      } catch (failure) {
        client?.release(true);
        reject(FaultError.is(failure) ? failure : new FaultError(faultOfConnecting(failure)));
      }
    };
    try {
      pool.connect(connected);
    } catch (error) {
      // pg throws if it cannot use a setting, for example if a certificate file is missing.
      connected(FaultError.is(error) ? error : unusable("pg rejects a setting: check `url` or `pool`"), undefined);
    }
  });
}

/** What the pool remembers about a connection. */
interface ConnectionState {
  /** When each prepared statement was parsed, by statement name: a value of `performance.now()`. */
  readonly parsedAt: Map<string, number>;
  /** `undefined` until manykv has queried the server; `hidden` if a pooler or the role hides the process. */
  serverProcess: ServerProcess | "hidden" | undefined;
}

/** The server process of a connection. The ID alone does not identify the process, because the system reuses IDs. */
export interface ServerProcess {
  readonly id: number;
  /** The start time, a `timestamptz` in the binary form that the server sent. */
  readonly start: Uint8Array;
}

/** `backend_start` is null if the current role, for example after SET ROLE, cannot see the login role's sessions. */
const identify = new Statement(
  "SELECT pid, backend_start FROM pg_stat_get_activity(pg_backend_pid()) WHERE backend_start IS NOT NULL",
);

/** A client that is checked out of the pool, so nothing else uses it. */
export class CheckedOutClient {
  readonly #pool: ClientPool;
  readonly #client: PgClient;
  readonly #state: ConnectionState;
  /** Whether `release` must close the connection, for example because an aborted request's reply may still arrive. */
  #broken = false;

  constructor(pool: ClientPool, client: PgClient, state: ConnectionState) {
    this.#pool = pool;
    this.#client = client;
    this.#state = state;
  }

  /**
   * Runs a statement and calls `onRow` for each row. Rejects as soon as the request is aborted.
   *
   * @throws {ExchangeError} if the server reports an error, the connection breaks, or the request is aborted.
   * @throws {FaultError} `invalid-argument` for an unusable client, `unavailable` for an unusable prepared statement.
   */
  async run(bound: BoundStatement, request: DriverRequest, onRow: OnRow): Promise<void> {
    const statement = this.#pool.prepares ? bound.statement : bound.statement.unnamed;
    const { parsedAt } = this.#state;
    const start = performance.now();
    const preparedAt = parsedAt.get(statement.name) ?? -Infinity;
    const parse = start - preparedAt > oldestPlan;
    parsedAt.delete(statement.name);
    const exchange = new Exchange(bound.encode(statement, parse), onRow);
    const stopListening = request.onAbort(() => exchange.abort());
    try {
      if (request.aborted) exchange.abort();
      else exchange.sendOver(this.#client);
      await exchange.done;
      const took = performance.now() - start;
      if (statement.name !== "" && took < longestExecution) parsedAt.set(statement.name, parse ? start : preparedAt);
    } catch (error) {
      const state = isRolledBack(error) ? error.failure.state : undefined;
      this.#broken = !isRolledBack(error);
      if (statement.name === "" || !preparedStatementErrors.has(state)) throw error;
      this.#pool.prepares = false;
      throw new FaultError({ code: "unavailable", retryable: true, effect: "none", reason: state });
    } finally {
      stopListening();
    }
  }

  /**
   * Returns the server process of the connection, or `undefined` if a pooler or the session's role hides it. A pooler
   * reports an invented process ID and runs each transaction in any free process, so terminating a process could
   * end another client's statement. Only the first call for a connection sends a query.
   *
   * @throws {ExchangeError | FaultError} if the connection breaks, the request is aborted, or the client is unusable.
   */
  async serverProcess(request: DriverRequest): Promise<ServerProcess | undefined> {
    const known = this.#state.serverProcess;
    if (known !== undefined) return known === "hidden" ? undefined : known;
    let found: ServerProcess | undefined;
    try {
      await this.run(new BoundStatement(identify), request, (row) => {
        found = { id: row.integer(), start: row.bytes() };
      });
    } catch (error) {
      // A server that is only compatible with Postgres may lack this function. Its process then counts as hidden.
      if (!isRolledBack(error)) throw error;
    }
    this.#state.serverProcess = found?.id === this.#client.processID ? found : "hidden";
    return this.serverProcess(request);
  }

  /** Returns the client to the pool, or closes it if its connection is broken. */
  release(): void {
    this.#client.off("error", ignore);
    this.#client.release(this.#broken);
  }
}

function ignore(): void {}

/** Returns whether the server reported an error and then ReadyForQuery: the statement was rolled back. */
function isRolledBack(error: unknown): error is ExchangeError {
  return error instanceof ExchangeError && error.failure.ready === true;
}
