import { type DriverDescription, type DriverRequest, type Fault, FaultError } from "@manykv/core/driver";
import { asFaultError } from "../error-table.js";
import type { BoundStatement } from "../protocol/bound-statement.js";
import type { OnRow } from "../protocol/data-row.js";
import type { ReplyLimit } from "../protocol/reply-limit.js";
import type { ClientPool } from "./client-pool.js";
import { describeServer } from "./describe-server.js";
import { LostWrites, type WriteRequest } from "./lost-writes.js";

/** The condition of a view may hide a row that the server has stored, so that reads would not find it. */
export const tableIsView: Fault = {
  code: "invalid-argument",
  retryable: false,
  effect: "none",
  reason: "the table is a view, which may hide what was written: use the table itself",
};

const ignoreRow: OnRow = () => {};

/** What the driver needs to run statements. */
export type Runner = Pick<StatementRunner, keyof StatementRunner>;

/** Runs each statement in one round trip. Before the first write on a connection, a query finds its server process. */
export class StatementRunner {
  readonly #pool: ClientPool;
  readonly #lostWrites: LostWrites;

  constructor(pool: ClientPool) {
    this.#pool = pool;
    this.#lostWrites = new LostWrites(pool);
  }

  /** Changes when the server was replaced by one that may lack acknowledged writes. */
  get generation(): number {
    return this.#pool.sessions.generation;
  }

  async read(bound: BoundStatement, request: DriverRequest, onRow: OnRow, limit?: ReplyLimit): Promise<void> {
    const client = await this.#pool.checkOut(request);
    try {
      await client.run(bound, request, onRow, limit);
    } finally {
      client.release();
    }
  }

  /**
   * Terminates the server processes of earlier writes of the same keys whose replies were lost, so that those writes
   * cannot overwrite this one. Then runs the statement. Returns the number of rows that the server reported.
   *
   * @throws {FaultError} with a fence if the effect is unknown and the server process is known.
   */
  async write(
    bound: BoundStatement,
    request: WriteRequest,
    onRow: OnRow = ignoreRow,
    limit?: ReplyLimit,
  ): Promise<number | undefined> {
    if (this.#lostWrites.any) {
      this.#lostWrites.settleInBackground();
      await beforeSending(this.#lostWrites.settle(request));
    }
    const client = await this.#pool.checkOut(request);
    try {
      // manykv can settle a lost write only if it knows the server process that runs the write.
      const session = await beforeSending(client.session(request));
      if (session.isView) throw new FaultError(tableIsView);
      const process = "process" in session ? session.process : undefined;
      try {
        return await client.run(bound, request, onRow, limit);
      } catch (error) {
        const { fault } = asFaultError(error, process !== undefined);
        if (process === undefined || fault.effect === "none") throw new FaultError(fault);
        throw new FaultError({ ...fault, fence: this.#lostWrites.add(process, request) });
      }
    } finally {
      client.release();
    }
  }

  /** Describes the server, the table and the session of one connection. */
  async describe(request: DriverRequest): Promise<DriverDescription> {
    const client = await this.#pool.checkOut(request);
    try {
      const session = await client.session(request);
      return await describeServer(
        (statement, onRow) => client.runIfSupported(statement, request, onRow),
        this.#pool.table,
        {
          ...("hiddenBy" in session && { hiddenBy: session.hiddenBy }),
          ...(this.#lostWrites.isRefused && { hiddenBy: "role" }),
        },
      );
    } finally {
      client.release();
    }
  }

  /** Tries for 100 ms to settle the lost writes. Then releases what the runner holds. */
  async close(): Promise<void> {
    await this.#lostWrites.close();
    this.#pool.close();
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
