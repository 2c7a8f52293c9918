import { type DriverRequest, FaultError } from "@manykv/core/driver";
import { asFaultError } from "../error-table.js";
import type { OnRow } from "../protocol/data-row.js";
import { ExchangeError } from "../protocol/exchange.js";
import type { Parameters } from "../protocol/parameters.js";
import type { Statement } from "../protocol/statement.js";
import type { CheckedOutClient } from "./checked-out-client.js";
import type { ClientPool } from "./client-pool.js";
import { LostWrites } from "./lost-writes.js";
import { serverProcessOf } from "./server-process.js";

const ignoreRow: OnRow = () => {};
/** The server does not know a prepared statement, knows it already, or its result has changed. */
const preparedStatementErrors: ReadonlySet<string | undefined> = new Set(["26000", "42P05", "0A000"]);

/** Runs statements, each in one round trip. */
export class StatementRunner {
  readonly #pool: ClientPool;
  readonly #lostWrites: LostWrites;
  /**
   * Turned off when connections forget prepared statements, as behind a pooler that runs each transaction on another
   * server connection. From then on, statements are parsed every time.
   */
  #prepares = true;

  constructor(pool: ClientPool) {
    this.#pool = pool;
    this.#lostWrites = new LostWrites(pool);
  }

  /** @throws {FaultError} */
  async read(
    statement: Statement,
    parameters: Parameters,
    request: DriverRequest,
    onRow: OnRow,
  ): Promise<void> {
    const client = await this.#pool.checkOut(request);
    try {
      await this.#run(client, statement, parameters, request, onRow, false);
    } finally {
      client.release();
    }
  }

  /**
   * Before it writes, it terminates connections whose writes were lost: an earlier write must not overwrite what is
   * acknowledged from now on.
   *
   * @throws {FaultError}
   */
  async write(statement: Statement, parameters: Parameters, request: DriverRequest): Promise<void> {
    if (this.#lostWrites.any) await beforeSending(this.#lostWrites.settle(request));
    const client = await this.#pool.checkOut(request);
    try {
      // A lost write can only be settled if the process that ran it is known.
      const process =
        client.state.serverProcess ?? (await beforeSending(serverProcessOf(client, request)));
      const known = process === "hidden" ? undefined : process;
      try {
        await this.#run(client, statement, parameters, request, ignoreRow, known !== undefined);
      } catch (error) {
        const { fault } = asFaultError(error);
        if (known === undefined || fault.effect === "none") throw error;
        throw new FaultError({ ...fault, fence: this.#lostWrites.add(known) });
      }
    } finally {
      client.release();
    }
  }

  /** @param direct - whether no pooler stands between client and server */
  async #run(
    client: CheckedOutClient,
    statement: Statement,
    parameters: Parameters,
    request: DriverRequest,
    onRow: OnRow,
    direct: boolean,
  ): Promise<void> {
    try {
      await client.run(this.#prepares ? statement : statement.unnamed, parameters, request, onRow);
    } catch (error) {
      const failed = asFaultError(error, direct);
      if (!(error instanceof ExchangeError)) throw failed;
      const { prepared, state } = error.failure;
      if (!prepared || !preparedStatementErrors.has(state)) throw failed;
      this.#prepares = false;
      throw new FaultError({ ...failed.fault, code: "unavailable", retryable: true });
    }
  }
}

/** What fails before a write was sent has written nothing. */
async function beforeSending<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    throw new FaultError({ ...asFaultError(error).fault, effect: "none", fence: undefined });
  }
}
