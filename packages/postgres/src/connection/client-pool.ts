import { type DriverRequest, FaultError, now, waitFor } from "@manykv/core/driver";
import type { Pool } from "pg";
import { BoundStatement } from "../protocol/bound-statement.js";
import type { OnRow } from "../protocol/data-row.js";
import { Exchange, ExchangeError } from "../protocol/exchange.js";
import { type ReplyLimit, withoutValues } from "../protocol/reply-limit.js";
import type { Statement } from "../protocol/statement.js";
import { ClientQueue, returnClient } from "./client-queue.js";
import type { OwnPool } from "./own-pool.js";
import { MessageBoundary, type PgClient } from "./pg-internals.js";
import { type ServerSession, ServerSessions } from "./server-session.js";

/*
 * Postgres keeps the plan of a prepared statement. A plan that was made while the table was small compares every row
 * with every key, even after the table has grown. So manykv prepares a statement again if the plan is old or was slow.
 * Both limits are in milliseconds.
 */
const oldestPlan = 10_000;
const longestExecution = 50;

/** SQLSTATEs for a prepared statement that is unknown, that already exists, or whose columns have changed type. */
const preparedStatementErrors: ReadonlySet<string | undefined> = new Set(["26000", "42P05", "0A000"]);

const noFailure = { state: undefined, inFunction: false } as const;

/** Checks clients out of the caller's pool or the store's own pool. */
export class ClientPool {
  /**
   * Whether to prepare statements. Becomes `false` after an error in `preparedStatementErrors`, for example behind a
   * pooler that runs each transaction on a different server connection. The server then parses every statement anew.
   */
  prepares: boolean;
  /** The quoted name of the table. */
  readonly table: string;
  readonly sessions: ServerSessions;
  readonly #own: OwnPool | undefined;
  #queue: ClientQueue | undefined;
  readonly #states: WeakMap<PgClient, ConnectionState> = new WeakMap();
  /** Where messages end on the connections of the pool that the store has used. */
  readonly #boundaries: Set<MessageBoundary> = new Set();

  constructor(pool: Pool | OwnPool, prepares: boolean, table: string) {
    this.prepares = prepares;
    this.table = table;
    this.sessions = new ServerSessions(table);
    if ("open" in pool) this.#own = pool;
    else this.#queue = new ClientQueue(pool);
  }

  /**
   * Returns a client that nothing else uses until it is released.
   *
   * @throws {FaultError} if the pool cannot provide a client, or if the request is aborted first.
   */
  async checkOut(request: DriverRequest): Promise<CheckedOutClient> {
    if (this.#queue === undefined) {
      const pool = await waitFor(request, (this.#own as OwnPool).open());
      this.#queue ??= new ClientQueue(pool);
    }
    const client = await this.#queue.take(request);
    return new CheckedOutClient(this, client, this.#states.get(client) ?? this.#newState(client));
  }

  /** Removes the store's listeners from the connections of the caller's pool. */
  close(): void {
    for (const boundary of this.#boundaries) boundary.leave();
    this.#boundaries.clear();
  }

  #newState(client: PgClient): ConnectionState {
    for (const known of this.#boundaries) if (known.stream.destroyed) this.#boundaries.delete(known);
    const boundary = MessageBoundary.of(client);
    boundary.enter();
    this.#boundaries.add(boundary);
    const state: ConnectionState = { parsedAt: new Map(), boundary, session: undefined };
    this.#states.set(client, state);
    return state;
  }
}

/** What the pool remembers about a connection. */
interface ConnectionState {
  /** When each prepared statement was parsed, by statement name: a value of `performance.now()`. */
  readonly parsedAt: Map<string, number>;
  readonly boundary: MessageBoundary;
  /** `undefined` until manykv has queried the server. */
  session: ServerSession | undefined;
}

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
   * Runs a statement and calls `onRow` for each row. Returns the number of rows that the server reported. Rejects as soon
   * as the request is aborted.
   *
   * @throws {ExchangeError} if the server reports an error, the connection breaks, or the request is aborted.
   * @throws {FaultError} `invalid-argument` for an unusable client, `unavailable` for an unusable prepared statement.
   */
  async run(
    bound: BoundStatement,
    request: DriverRequest,
    onRow: OnRow,
    limit: ReplyLimit = withoutValues,
  ): Promise<number | undefined> {
    const statement = this.#pool.prepares ? bound.statement : bound.statement.unnamed;
    const { parsedAt, boundary } = this.#state;
    const start = now();
    const preparedAt = parsedAt.get(statement.name) ?? -Infinity;
    const parse = start - preparedAt > oldestPlan;
    parsedAt.delete(statement.name);
    const exchange = new Exchange(statement.text, bound.encode(statement, parse), limit, onRow);
    const stopListening = request.onAbort(() => exchange.abort());
    try {
      if (request.aborted) exchange.abort();
      else this.#send(exchange, boundary);
      const rowCount = await exchange.done;
      const took = now() - start;
      if (statement.name !== "" && took < longestExecution) parsedAt.set(statement.name, parse ? start : preparedAt);
      return rowCount;
    } catch (error) {
      const { state, inFunction } = isRolledBack(error) ? error.failure : noFailure;
      // A server that has become read-only may have been replaced: a new connection finds the new one.
      this.#broken = !isRolledBack(error) || state === "25006";
      if (statement.name === "" || inFunction || !preparedStatementErrors.has(state)) throw error;
      this.#pool.prepares = false;
      throw new FaultError({ code: "unavailable", retryable: true, effect: "none", reason: state });
    } finally {
      stopListening();
    }
  }

  #send(exchange: Exchange, boundary: MessageBoundary): void {
    try {
      exchange.sendOver(this.#client, boundary);
    } catch {
      const reason = "`query` of the pool's client throws: check the tools that wrap pg";
      const effect = exchange.sent ? "unknown" : "none";
      throw new FaultError({ code: "invalid-argument", retryable: false, effect, reason });
    }
  }

  /**
   * Returns what is known about the server process of the connection. Only the first call for a connection sends a
   * query. Also notices whether the server was replaced.
   *
   * @throws {ExchangeError | FaultError} if the connection breaks, the request is aborted, or the client is unusable.
   */
  async session(request: DriverRequest): Promise<ServerSession> {
    this.#state.session ??= await this.#pool.sessions.read(
      (statement, onRow) => this.runIfSupported(statement, request, onRow),
      this.#client.processID,
    );
    return this.#state.session;
  }

  /** Runs a statement that servers other than PostgreSQL may not support. Returns whether it succeeded. */
  async runIfSupported(statement: Statement, request: DriverRequest, onRow: OnRow): Promise<boolean> {
    try {
      await this.run(new BoundStatement(statement), request, onRow);
      return true;
    } catch (error) {
      if (!isRolledBack(error)) throw error;
      return false;
    }
  }

  /** Returns the client to the pool, or closes it if its connection is broken. */
  release(): void {
    returnClient(this.#client, this.#broken);
  }
}

/** Returns whether the server reported an error and then ReadyForQuery: the statement was rolled back. */
function isRolledBack(error: unknown): error is ExchangeError {
  return error instanceof ExchangeError && error.failure.ready === true && error.failure.state !== undefined;
}
