import type { Finding } from "@manykv/core";
import {
  type DriverDescription,
  type DriverRequest,
  type Fault,
  FaultError,
  nextTurn,
  now,
  waitFor,
} from "@manykv/core/driver";
import { asFaultError, timedOut } from "../error-table.js";
import { BoundStatement } from "../protocol/bound-statement.js";
import type { OnRow } from "../protocol/data-row.js";
import { Exchange, ExchangeError } from "../protocol/exchange.js";
import { MalformedReply, MessageReader } from "../protocol/message-reader.js";
import type { ReplyLimit } from "../protocol/reply-limit.js";
import { Statement } from "../protocol/statement.js";
import { describeTable, readVersion } from "./describe-server.js";
import { isViewOf, type Run } from "./server-session.js";
import { type Runner, tableIsView } from "./statement-runner.js";

/** The members of PGlite that manykv uses. PGlite does not document `_runExclusiveTransaction`. */
export interface EmbeddedPostgres {
  readonly waitReady: Promise<void>;
  /** Whether the database is open. */
  readonly ready: boolean;
  /** Runs a function between transactions. PGlite's own `query`, `exec` and `transaction` use this method. */
  _runExclusiveTransaction<Result>(run: () => Promise<Result>): Promise<Result>;
  /** Runs a function between queries. */
  runExclusive<Result>(run: () => Promise<Result>): Promise<Result>;
  /** Runs messages of the protocol. Passes notifications on to the listeners of the application. */
  execProtocol(message: Uint8Array, options: { throwOnError: boolean }): Promise<{ readonly data: Uint8Array }>;
}

const none = { retryable: false, effect: "none" } as const;
const closed: Fault = { ...none, code: "closed", reason: "the caller closed `pglite`" };
const cannotOpen: Fault = { ...none, code: "unavailable", reason: "PGlite cannot open its database" };
const queueFailed: Fault = { ...none, code: "internal", reason: "PGlite's queue failed" };
const failed: Fault = { code: "internal", retryable: false, effect: "unknown", reason: "PGlite failed" };
/** Core repeats a read of several keys as smaller reads, because PGlite may lack the memory for the whole reply. */
const readFailed: Fault = { ...failed, code: "connection-lost", retryable: true, effect: "none" };
const inTransaction: Fault = {
  ...failed,
  reason: "a transaction is open in PGlite: use its method `transaction` instead of BEGIN",
};

/**
 * Time after which the runner lets other work on the event loop run, in milliseconds. PGlite runs statements
 * synchronously, so a program that awaits one call after the other would otherwise keep timers and I/O waiting.
 */
const longestTurns = 5;

/** A statement that waits for its turn. */
interface Turn {
  take(): Promise<void>;
  refuse(fault: Fault): void;
}

/**
 * Runs statements in PGlite, a Postgres in this process with one session, which the application also uses. Waits until
 * `transaction()` of the application has ended. The statements of a store run one after another, so a write that was
 * cancelled while it ran cannot overwrite a later one.
 */
export class EmbeddedRunner implements Runner {
  readonly #postgres: EmbeddedPostgres;
  readonly #table: string;
  readonly #turns: Set<Turn> = new Set();
  /** Whether the table is a view. `undefined` until the first write. */
  #isView: boolean | undefined;
  #isTakingTurns = false;
  /** When other work on the event loop could last run, in milliseconds on the clock of `now`. */
  #othersRanAt = 0;

  /** @param table - the quoted name of the table */
  constructor(postgres: EmbeddedPostgres, table: string) {
    this.#postgres = postgres;
    this.#table = table;
  }

  /** PGlite does not fail over. */
  get generation(): number {
    return 0;
  }

  async read(bound: BoundStatement, request: DriverRequest, onRow: OnRow): Promise<void> {
    await this.#run(bound, request, readFailed, onRow);
  }

  async write(bound: BoundStatement, request: DriverRequest, onRow: OnRow = () => {}): Promise<number | undefined> {
    if (this.#isView === undefined) {
      await this.read(new BoundStatement(new Statement(`SELECT ${isViewOf(this.#table)}`)), request, (row) => {
        this.#isView = row.integer() === 1;
      });
    }
    if (this.#isView) throw new FaultError(tableIsView);
    return this.#run(bound, request, failed, onRow);
  }

  async describe(request: DriverRequest): Promise<DriverDescription> {
    let version: string | undefined;
    await this.read(new BoundStatement(readVersion), request, (row) => {
      version = /PGlite ([0-9.]+)/.exec(row.text())?.[1];
    });
    const findings: Finding[] = [];
    const run: Run = async (statement, onRow) => {
      await this.read(new BoundStatement(statement), request, onRow);
      return true;
    };
    const { ttl, found } = await describeTable(run, this.#table, (code, severity, message) => {
      findings.push({ code, severity, message });
    });
    return {
      product: "pglite",
      version,
      topology: "in-process",
      table: found,
      settlesLostWrites: true,
      abilities: { ttl },
      findings,
    };
  }

  async close(): Promise<void> {}

  /** @param onFailure - the fault if PGlite throws an exception */
  #run(bound: BoundStatement, request: DriverRequest, onFailure: Fault, onRow: OnRow): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      let execution: Promise<number | undefined> | undefined;
      const stopListening = request.onAbort(() => {
        this.#turns.delete(turn);
        reject(new FaultError(execution === undefined ? timedOut : whileRunning(execution)));
      });
      const turn: Turn = {
        take: () => {
          execution = this.#execute(bound, onFailure, onRow);
          return execution.finally(stopListening).then(resolve, reject);
        },
        refuse: (fault) => {
          stopListening();
          reject(new FaultError(fault));
        },
      };
      this.#turns.add(turn);
      void this.#takeTurns();
    });
  }

  /** Runs the waiting statements. Only one at a time waits in PGlite, which cannot remove it from its queue. */
  async #takeTurns(): Promise<void> {
    if (this.#isTakingTurns) return;
    this.#isTakingTurns = true;
    let fault = cannotOpen;
    try {
      await this.#postgres.waitReady;
      fault = queueFailed;
      while (this.#turns.size > 0) {
        if (now() - this.#othersRanAt > longestTurns) {
          await nextTurn();
          this.#othersRanAt = now();
        }
        await this.#exclusively(() => this.#takeTurn());
      }
    } catch {
      for (const turn of this.#turns) turn.refuse(fault);
      this.#turns.clear();
    } finally {
      this.#isTakingTurns = false;
    }
  }

  #exclusively(run: () => Promise<void>): Promise<void> {
    return this.#postgres._runExclusiveTransaction(() => this.#postgres.runExclusive(run));
  }

  async #takeTurn(): Promise<void> {
    const [turn] = this.#turns;
    if (turn === undefined) return;
    this.#turns.delete(turn);
    await turn.take();
  }

  async #execute(bound: BoundStatement, onFailure: Fault, onRow: OnRow): Promise<number | undefined> {
    if (!this.#postgres.ready) throw new FaultError(closed);
    const { unnamed } = bound.statement;
    const request = bound.encode(unnamed, true);
    const exchange = new EmbeddedExchange(unnamed.text, request, anySize, onRow);
    try {
      const { data } = await this.#postgres.execProtocol(request, { throwOnError: false });
      exchange.readAll(data);
    } catch {
      throw new FaultError(onFailure);
    }
    try {
      return await exchange.done;
    } catch (error) {
      const isOpen = error instanceof ExchangeError && error.failure.ready !== true;
      throw isOpen ? new FaultError(inTransaction) : asFaultError(error, true);
    }
  }
}

/** The reply is already in memory. */
const anySize: ReplyLimit = { row: Infinity, other: Infinity, total: Infinity, isOneKey: false };

/** Returns the fault of a statement that was aborted while it ran. Its fence waits for the end of the statement. */
function whileRunning(execution: Promise<unknown>): Fault {
  const over = execution.then(
    () => {},
    () => {},
  );
  const fence = (request: DriverRequest): Promise<void> => waitFor(request, over);
  return { ...timedOut, effect: "unknown", fence };
}

/** Reads a reply that is already complete. */
class EmbeddedExchange extends Exchange {
  readAll(reply: Uint8Array): void {
    const messages = new MessageReader((bytes, start, end) => {
      this.read(bytes, start, end);
      return true;
    }, admitAll);
    messages.read(Buffer.from(reply.buffer, reply.byteOffset, reply.byteLength));
    if (!this.ended) throw new MalformedReply();
  }
}

function admitAll(): void {}
