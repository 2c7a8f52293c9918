import type { DriverRequest } from "@manykv/core/driver";
import type { PoolClient } from "pg";
import type { OnRow } from "../protocol/data-row.js";
import { Exchange, ExchangeError } from "../protocol/exchange.js";
import type { Parameters } from "../protocol/parameters.js";
import type { Statement } from "../protocol/statement.js";
import { checkClient, send } from "./pg-internals.js";

/*
 * Postgres keeps the plan of a prepared statement. A plan that was made while the table was small compares every row with
 * every key, however large the table has become. So a statement is prepared again when it is old or took long.
 */
/** In milliseconds. */
const oldestPlan = 10_000;
const longestExecution = 50;

/** The server's process that serves a connection. Process numbers are reused, so its start time belongs to it. */
export interface ServerProcess {
  readonly id: number;
  /** A `timestamptz` as the server sends it. */
  readonly start: Uint8Array;
}

/** What is known about a connection of the pool. */
export class ConnectionState {
  checked = false;
  /** When each prepared statement was parsed, by name. */
  readonly parsedAt: Map<string, number> = new Map();
  /** `hidden` if the server does not say. */
  serverProcess: ServerProcess | "hidden" | undefined;
}

/** A client of the pool, while nothing else uses it. */
export class CheckedOutClient {
  readonly client: PoolClient;
  readonly state: ConnectionState;
  /** Whether the next message on the connection may belong to an earlier request. */
  #broken = false;

  constructor(client: PoolClient, state: ConnectionState) {
    this.client = client;
    this.state = state;
    // If the connection breaks, the exchange reports it. Without a listener, the event would end the process.
    client.on("error", ignore);
  }

  /**
   * Runs a statement. Rejects immediately when the request is aborted.
   *
   * @throws {ExchangeError}
   * @throws {FaultError} `invalid-argument` for a client that manykv cannot use.
   */
  async run(
    statement: Statement,
    parameters: Parameters,
    request: DriverRequest,
    onRow: OnRow,
  ): Promise<void> {
    const { name } = statement;
    const { parsedAt } = this.state;
    const now = performance.now();
    const preparedAt = parsedAt.get(name) ?? -Infinity;
    const parse = now - preparedAt > oldestPlan;
    const exchange = new Exchange(statement, parse, parameters, onRow);
    const stopListening = request.onAbort(() => exchange.abort());
    try {
      if (!this.state.checked) checkClient(this.client);
      this.state.checked = true;
      parsedAt.delete(name);
      if (request.aborted) exchange.abort();
      else send(this.client, exchange);
      await exchange.done;
      if (name !== "" && performance.now() - now < longestExecution) parsedAt.set(name, parse ? now : preparedAt);
    } catch (error) {
      this.#broken = !(error instanceof ExchangeError && error.failure.ready);
      throw error;
    } finally {
      stopListening();
    }
  }

  /** Returns the client to the pool, or closes it. */
  release(): void {
    this.client.off("error", ignore);
    this.client.release(this.#broken);
  }
}

function ignore(): void {}
