import type { DriverRequest } from "@manykv/core";
import type { Pool } from "pg";
import { classify, faultOfExchange } from "../error-table.js";
import { FaultError } from "../fault-error.js";
import type { OnRow } from "../protocol/data-row.js";
import { Exchange, type Statement } from "../protocol/exchange.js";
import { ExchangeError } from "../protocol/exchange-failure.js";
import type { Parameter } from "../protocol/parameter.js";
import { Backends } from "./backend.js";
import { Connections } from "./connections.js";
import { LostWrites } from "./lost-writes.js";

const noRows: OnRow = () => {};
/** The server does not know the statement of a name, or knows it already, or its result has changed. */
const forgotten: ReadonlySet<string | undefined> = new Set(["26000", "42P05", "0A000"]);

/** Runs statements, each in one round trip on a connection that nobody else uses meanwhile. */
export class Database {
  readonly #connections: Connections;
  readonly #backends: Backends = new Backends();
  readonly #lost: LostWrites = new LostWrites(this);
  /**
   * Statements are prepared once for each connection, until it turns out that connections forget them, as behind a
   * pooler that takes another server connection for each transaction. From then on they are parsed every time.
   */
  #prepares = true;

  constructor(pool: Pool) {
    this.#connections = new Connections(pool);
  }

  /** @throws {FaultError} */
  async read(
    statement: Statement,
    parameters: readonly Parameter[],
    request: Pick<DriverRequest, "signal">,
    onRow: OnRow,
  ): Promise<void> {
    const lease = await this.#connections.lease(request);
    try {
      await lease.run(this.#exchange(statement, parameters, onRow), request);
    } catch (error) {
      throw this.#faultOf(error, false);
    } finally {
      lease.end();
    }
  }

  /**
   * An earlier write whose answer was lost must not land on top of what is acknowledged from now on: its connection's
   * end is seen to first.
   *
   * @throws {FaultError}
   */
  async write(
    statement: Statement,
    parameters: readonly Parameter[],
    request: Pick<DriverRequest, "signal">,
  ): Promise<void> {
    await this.#unsent(this.#lost.settle(request));
    const lease = await this.#connections.lease(request);
    try {
      const backend = await this.#unsent(this.#backends.of(lease, request));
      await lease.run(this.#exchange(statement, parameters, noRows), request).catch((error: unknown) => {
        const failed = this.#faultOf(error, backend !== undefined);
        if (failed.fault.effect === "none" || backend === undefined) throw failed;
        throw new FaultError({ ...failed.fault, fence: this.#lost.add(backend) });
      });
    } finally {
      lease.end();
    }
  }

  #exchange({ name, text }: Statement, parameters: readonly Parameter[], onRow: OnRow): Exchange {
    return new Exchange({ name: this.#prepares ? name : "", text }, parameters, onRow);
  }

  /** What fails ahead of a write has written nothing. */
  async #unsent<Result>(work: Promise<Result>): Promise<Result> {
    try {
      return await work;
    } catch (error) {
      throw new FaultError({ ...this.#faultOf(error, false).fault, effect: "none" });
    }
  }

  #faultOf(error: unknown, direct: boolean): FaultError {
    if (!(error instanceof ExchangeError)) return new FaultError(classify(error));
    const fault = faultOfExchange(error.failure, direct);
    if (!error.failure.prepared || !forgotten.has(error.failure.state)) return new FaultError(fault);
    this.#prepares = false;
    return new FaultError({ ...fault, code: "unavailable", retryable: true });
  }
}
