import { type DriverRequest, FaultError } from "@manykv/core/driver";
import { asFaultError } from "../error-table.js";
import type { BoundStatement } from "../protocol/bound-statement.js";
import type { OnRow } from "../protocol/data-row.js";
import type { ClientPool } from "./client-pool.js";
import { LostWrites } from "./lost-writes.js";

const ignoreRow: OnRow = () => {};

/** Runs each statement in one round trip. Before the first write on a connection, a query finds its server process. */
export class StatementRunner {
  readonly #pool: ClientPool;
  readonly #lostWrites: LostWrites;

  constructor(pool: ClientPool) {
    this.#pool = pool;
    this.#lostWrites = new LostWrites(pool);
  }

  async read(bound: BoundStatement, request: DriverRequest, onRow: OnRow): Promise<void> {
    const client = await this.#pool.checkOut(request);
    try {
      await client.run(bound, request, onRow);
    } finally {
      client.release();
    }
  }

  /**
   * Terminates the server processes of earlier writes whose replies were lost, so that those writes cannot overwrite
   * this one. Then runs the statement.
   *
   * @throws {FaultError} with a fence if the effect is unknown and the server process is known.
   */
  async write(bound: BoundStatement, request: DriverRequest): Promise<void> {
    if (this.#lostWrites.any) await beforeSending(this.#lostWrites.settle(request));
    const client = await this.#pool.checkOut(request);
    try {
      // manykv can settle a lost write only if it knows the server process that runs the write.
      const process = await beforeSending(client.serverProcess(request));
      try {
        await client.run(bound, request, ignoreRow);
      } catch (error) {
        const { fault } = asFaultError(error, process !== undefined);
        if (process === undefined || fault.effect === "none") throw new FaultError(fault);
        throw new FaultError({ ...fault, fence: this.#lostWrites.add(process) });
      }
    } finally {
      client.release();
    }
  }
}

/** Waits for a step that precedes the write. If the step fails, the fault has the effect `none`. */
async function beforeSending<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    throw new FaultError({ ...asFaultError(error).fault, effect: "none", fence: undefined });
  }
}
