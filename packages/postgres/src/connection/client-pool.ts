import { type DriverRequest, type Fault, FaultError, waitFor } from "@manykv/core/driver";
import type { Pool, PoolClient } from "pg";
import { faultOfConnecting, timedOut } from "../error-table.js";
import { BoundStatement } from "../protocol/bound-statement.js";
import type { OnRow } from "../protocol/data-row.js";
import { Exchange, ExchangeError } from "../protocol/exchange.js";
import { Statement } from "../protocol/statement.js";
import type { OwnPool } from "./own-pool.js";
import { checkClient, type PgClient, unusable } from "./pg-internals.js";

const poolEnded: Fault = { code: "closed", retryable: false, effect: "none", reason: "the `pool` was ended" };
const noClient: Fault = { ...timedOut, reason: "no free connection" };

/*
 * Postgres keeps the plan of a prepared statement. A plan that was made while the table was small compares every row with
 * every key, however large the table has become. So a statement is prepared again when it is old or took long.
 */
/** In milliseconds. */
const oldestPlan = 10_000;
const longestExecution = 50;

/** The server does not know a prepared statement, knows it already, or its result has changed. */
const preparedStatementErrors: ReadonlySet<string | undefined> = new Set(["26000", "42P05", "0A000"]);

/** Checks clients out of the caller's pool or the store's own. */
export class ClientPool {
  /**
   * Turned off when connections forget prepared statements, as behind a pooler that runs each transaction on another server
   * connection. From then on, statements are parsed every time.
   */
  prepares = true;
  readonly #own: OwnPool | undefined;
  #pool: Pool | undefined;
  readonly #states: WeakMap<PgClient, ConnectionState> = new WeakMap();

  constructor(pool: Pool | OwnPool) {
    if ("open" in pool) this.#own = pool;
    else this.#pool = pool;
  }

  /**
   * Gets a client that nothing else uses until it is released.
   *
   * @throws {FaultError} if the pool has none, or has none before the request is aborted.
   */
  async checkOut(request: DriverRequest): Promise<CheckedOutClient> {
    this.#pool ??= await waitFor(request, (this.#own as OwnPool).open());
    if (request.aborted) throw new FaultError(noClient);
    if (this.#pool.ending) throw new FaultError(poolEnded);
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
      // A request for a client cannot be withdrawn from the pool, so one that comes too late is released immediately.
      if (aborted) {
        client?.release();
        return;
      }
      try {
        if (client === undefined) throw error;
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
      // pg throws if it cannot use its settings, for example if the file of a certificate is missing.
      connected(FaultError.is(error) ? error : unusable("pg rejects the connection settings"), undefined);
    }
  });
}

/** What is known about a connection. */
interface ConnectionState {
  /** When each prepared statement was parsed, by name. */
  readonly parsedAt: Map<string, number>;
  /** `hidden` if the server does not say. */
  serverProcess: ServerProcess | "hidden" | undefined;
}

/** The server's process that serves a connection. Process numbers are reused, so its start time belongs to it. */
export interface ServerProcess {
  readonly id: number;
  /** A `timestamptz` as the server sends it. */
  readonly start: Uint8Array;
}

/** `backend_start` is null if the current role, such as after SET ROLE, may not see the login role's sessions. */
const identify = new Statement(
  "SELECT pid, backend_start FROM pg_stat_get_activity(pg_backend_pid()) WHERE backend_start IS NOT NULL",
);

/** A client of the pool, while nothing else uses it. */
export class CheckedOutClient {
  readonly #pool: ClientPool;
  readonly #client: PgClient;
  readonly #state: ConnectionState;
  /** Whether the next message on the connection may belong to an earlier request. */
  #broken = false;

  constructor(pool: ClientPool, client: PgClient, state: ConnectionState) {
    this.#pool = pool;
    this.#client = client;
    this.#state = state;
    // If the connection breaks, the exchange reports it. Without a listener, the event would end the process.
    client.on("error", ignore);
  }

  /**
   * Runs a statement. Rejects immediately when the request is aborted.
   *
   * @throws {ExchangeError}
   * @throws {FaultError} `invalid-argument` for a client that manykv cannot use.
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
   * Returns the process that serves the connection, or `undefined` if a pooler or the session's role hides it. A pooler
   * makes up a process number and runs each transaction in any free process, so terminating one would hit another
   * client. Asks the server once per connection.
   *
   * @throws {ExchangeError} if the connection breaks.
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
      // Servers that are only compatible with Postgres may not know the function. They can be used all the same.
      if (!isRolledBack(error)) throw error;
    }
    this.#state.serverProcess = found?.id === this.#client.processID ? found : "hidden";
    return this.serverProcess(request);
  }

  /** Returns the client to the pool, or closes it. */
  release(): void {
    this.#client.off("error", ignore);
    this.#client.release(this.#broken);
  }
}

function ignore(): void {}

/** Whether the server reported an error and is ready for the next statement. */
function isRolledBack(error: unknown): error is ExchangeError {
  return error instanceof ExchangeError && error.failure.ready === true;
}
