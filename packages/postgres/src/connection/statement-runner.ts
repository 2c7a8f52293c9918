import { type DriverRequest, FaultError } from "@manykv/core/driver";
import { asFaultError } from "../error-table.js";
import type { BoundStatement } from "../protocol/bound-statement.js";
import type { OnRow } from "../protocol/data-row.js";
import type { ClientPool } from "./client-pool.js";
import { LostWrites } from "./lost-writes.js";

const ignoreRow: OnRow = () => {};

/** Runs statements, each in one round trip. */
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
   * Before it writes, it terminates connections whose writes were lost: an earlier write must not overwrite what is
   * acknowledged from now on.
   *
   * @throws {FaultError}
   */
  async write(bound: BoundStatement, request: DriverRequest): Promise<void> {
    if (this.#lostWrites.any) await beforeSending(this.#lostWrites.settle(request));
    const client = await this.#pool.checkOut(request);
    try {
      // A lost write can only be settled if the process that ran it is known.
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

/** What fails before a write was sent has written nothing. */
async function beforeSending<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    throw new FaultError({ ...asFaultError(error).fault, effect: "none", fence: undefined });
  }
}
