import { DataRow, type OnRow } from "./data-row.js";
import { hasFields, MalformedReply, messageHeader, readFields } from "./message-reader.js";
import type { Parameters } from "./parameters.js";
import type { Statement } from "./statement.js";

/** Why an exchange failed, as far as the wire shows. */
export interface ExchangeFailure {
  /** SQLSTATE of the server's error, if it sent one. */
  readonly state: string | undefined;
  /** Node's code of the error that broke the connection, if it has one. */
  readonly nodeCode: string | undefined;
  /** Whether the request named a prepared statement. */
  readonly prepared: boolean;
  /** Whether the request was aborted. */
  readonly aborted: boolean;
  /** Whether bytes were written to the socket. */
  readonly sent: boolean;
  /** Whether the server said that the statement was done. */
  readonly completed: boolean;
  /** Whether the connection is ready for the next statement, outside of any transaction. */
  readonly ready: boolean;
  /** Whether the connection is ready, but inside a transaction that the caller left open. */
  readonly inTransaction: boolean;
}

/** What an exchange rejects with. */
export class ExchangeError extends Error {
  override readonly name: string = "ExchangeError";
  readonly failure: ExchangeFailure;

  constructor(failure: ExchangeFailure) {
    super(failure.state ?? failure.nodeCode ?? "no reply");
    this.failure = failure;
  }
}

const dataRow = "D".charCodeAt(0);
const commandComplete = "C".charCodeAt(0);
const errorResponse = "E".charCodeAt(0);
const readyForQuery = "Z".charCodeAt(0);
const outsideTransaction = "I".charCodeAt(0);

/**
 * One statement on one connection, and its reply.
 *
 * It ends when the server is ready for the next statement, or when the connection breaks. Postgres commits a statement
 * between CommandComplete and ReadyForQuery, in answer to Sync. So an error before CommandComplete means that nothing was
 * committed, whatever happens to the connection afterwards.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY
 */
export class Exchange {
  /** Rejects with an {@link ExchangeError}. */
  readonly done: Promise<void>;
  /** What goes to the server. */
  readonly request: Buffer;
  readonly #prepared: boolean;
  readonly #onRow: OnRow;
  #row: DataRow | undefined;
  #resolve!: () => void;
  #reject!: (error: Error) => void;
  #state: string | undefined;
  #sent = false;
  #completed = false;
  #ended = false;

  /** @param parse - whether the server must parse the statement first */
  constructor(statement: Statement, parse: boolean, parameters: Parameters, onRow: OnRow) {
    this.request = parameters.complete(statement, parse);
    this.#prepared = statement.name !== "";
    this.#onRow = onRow;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Whether nothing waits for the reply anymore. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The request is about to be written. */
  start(): void {
    this.#sent = true;
  }

  /** Stops waiting. The connection must then be closed, because the reply may still arrive. */
  abort(): void {
    this.#fail({ aborted: true });
  }

  /** The connection broke or cannot be used. */
  fail(error: unknown): void {
    this.#fail({ nodeCode: nodeCodeOf(error) });
  }

  /** Fails before anything was sent. */
  reject(error: Error): void {
    this.#ended = true;
    this.#reject(error);
  }

  /**
   * Reads the message from `start` to `end`. Returns `false` if it is the last one of the reply.
   *
   * @throws {MalformedReply}
   */
  read(bytes: Buffer, start: number, end: number): boolean {
    const letter = bytes[start];
    if (letter === dataRow) {
      this.#row ??= new DataRow();
      this.#row.open(bytes, start, end);
      this.#onRow(this.#row);
    } else if (letter === commandComplete) {
      this.#completed = true;
    } else if (letter === readyForQuery) {
      this.#finish(bytes[start + messageHeader] === outsideTransaction);
      return false;
    } else if (hasFields(bytes, start)) {
      const fields = readFields(bytes, start, end);
      if (letter === errorResponse) this.#state = stateOf(fields);
    }
    return true;
  }

  #finish(outside: boolean): void {
    if (!this.#completed && this.#state === undefined) throw new MalformedReply();
    if (this.#state === undefined && outside) {
      this.#ended = true;
      this.#resolve();
    } else this.#fail({ ready: outside, inTransaction: !outside });
  }

  #fail(known: Partial<ExchangeFailure>): void {
    this.#ended = true;
    this.#reject(
      new ExchangeError({
        state: this.#state,
        nodeCode: undefined,
        prepared: this.#prepared,
        aborted: false,
        sent: this.#sent,
        completed: this.#completed,
        ready: false,
        inTransaction: false,
        ...known,
      }),
    );
  }
}

function stateOf(fields: ReadonlyMap<string, string>): string {
  const state = fields.get("C");
  if (!isSqlState(state)) throw new MalformedReply();
  return state;
}

/** Whether a code looks like an SQLSTATE. Anything else is not passed on, because codes end up in messages. */
export function isSqlState(code: unknown): code is string {
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code);
}

/** Returns Node's code of an error, such as `ECONNREFUSED`, if it has one. */
export function nodeCodeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  const { code } = error;
  return typeof code === "string" && /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : undefined;
}
