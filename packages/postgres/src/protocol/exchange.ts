import { FaultError } from "@manykv/core/driver";
import { Submission } from "../connection/pg-internals.js";
import { DataRow, type OnRow } from "./data-row.js";
import { MalformedReply, messageHeader, readFields } from "./message-reader.js";
import { type PoolerRefusal, poolerRefusal } from "./pooler-refusal.js";
import type { ReplyLimit } from "./reply-limit.js";

/** Why an exchange failed, as far as the client can see. */
export interface ExchangeFailure {
  /** `state`: SQLSTATE of the server's error. `nodeCode`: Node's code of the error that broke the connection. */
  readonly state: string | undefined;
  readonly nodeCode: string | undefined;
  /** Why a pooler refused the statement. Absent if it did not. */
  readonly refusal?: PoolerRefusal | undefined;
  /** Whether the error occurred in a function that the statement called, such as a trigger, which did not raise it. */
  readonly inFunction: boolean;
  /** Whether the server committed the statement without waiting for its synchronous standbys. */
  readonly unreplicated: boolean;
  /** `aborted`: the request was aborted. `sent`: bytes were written to the socket. */
  readonly aborted: boolean;
  readonly sent: boolean;
  /** `problem`: what is wrong with the reply. Absent if the reply is as expected or did not arrive. */
  readonly problem?: "malformed" | "too large" | "too large for one key" | undefined;
  /** `completed`: the server sent CommandComplete. `ready`: it sent ReadyForQuery, outside or inside a transaction. */
  readonly completed: boolean;
  readonly ready: boolean | "inside a transaction";
}

/** The error that an exchange rejects with. */
export class ExchangeError extends Error {
  override readonly name: string = "ExchangeError";
  readonly failure: ExchangeFailure;

  constructor(failure: ExchangeFailure) {
    super(failure.state ?? failure.nodeCode ?? "no reply");
    this.failure = failure;
  }
}

const [dataRow, commandComplete, errorResponse, noticeResponse, readyForQuery] = [..."DCENZ"].map((letter) =>
  letter.charCodeAt(0),
);
/** ParseComplete, BindComplete, CloseComplete, ParameterStatus and NotificationResponse, which need no action. */
const expected: ReadonlySet<number | undefined> = new Set(Array.from("123SA", (letter) => letter.charCodeAt(0)));
const outsideTransaction = "I".charCodeAt(0);

/** The function of the server that sends a notice as the last message of a session, if the server crashes or stops. */
const endOfSession = "quickdie";
/** The function of the server that waits for synchronous standbys. It sends a warning if the wait is cancelled. */
const synchronousWait = "SyncRepWaitForLSN";

/**
 * Matches the context of an error in a function, in any language: `PL/pgSQL function ...` or `SQL function ...`. The first
 * line names RAISE if the function raised the error, and so chose its SQLSTATE. manykv itself uses inline code blocks.
 */
const functionContext = /^(?!.*\bRAISE\b|[\s\S]*\binline_code_block\b)[\s\S]*(PL\/|SQL)/;

/**
 * Sends one statement on one connection and reads the reply.
 *
 * The exchange ends when the server is ready for the next statement, the connection breaks, or `abort` is called.
 * Postgres commits a statement between CommandComplete and ReadyForQuery, when it processes Sync. So after an error
 * before CommandComplete, nothing was committed, even if the connection then breaks.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY
 */
export class Exchange extends Submission {
  /**
   * Resolves on success, with the number of rows that the server reported. Rejects with an {@link ExchangeError}, or a
   * `FaultError` if manykv cannot use the client.
   */
  readonly done: Promise<number | undefined>;
  protected ended = false;
  protected failure: Error | null = null;
  protected rowCount: number | undefined;
  readonly #onRow: OnRow;
  readonly #limit: ReplyLimit;
  #received = 0;
  #rows = 0;
  #row: DataRow | undefined;
  #resolve!: (rowCount: number | undefined) => void;
  #reject!: (error: Error) => void;
  #state: string | undefined;
  #refusal: PoolerRefusal | undefined;
  #inFunction = false;
  #unreplicated = false;
  #completed = false;

  /**
   * @param text - the SQL of the statement
   * @param request - the messages of the statement, including Sync
   */
  constructor(text: string, request: Buffer, limit: ReplyLimit, onRow: OnRow) {
    super(text, request, (letter, length) => this.#admit(letter, length));
    this.#limit = limit;
    this.#onRow = onRow;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // The caller may stop waiting before the exchange fails.
    this.done.catch(() => {});
  }

  /** Whether bytes were written to the socket. */
  get sent(): boolean {
    return this.stream !== undefined;
  }

  /** Stops waiting and rejects. The caller must then close the connection, because the reply may still arrive. */
  abort(): void {
    this.#fail({ aborted: true });
  }

  protected fail(error: unknown): void {
    if (FaultError.is(error)) this.#reject(error);
    if (error instanceof ReplyTooLarge) {
      this.#fail({ problem: this.#limit.isOneKey ? "too large for one key" : "too large" });
    } else if (error instanceof MalformedReply) this.#fail({ problem: "malformed" });
    else this.#fail({ nodeCode: nodeCodeOf(error) });
  }

  protected read(bytes: Buffer, start: number, end: number): void {
    const letter = bytes[start];
    if (letter === dataRow) {
      this.#rows++;
      this.#row ??= new DataRow();
      this.#row.open(bytes, start, end);
      this.#onRow(this.#row);
    } else if (letter === commandComplete) this.#complete(bytes.toString("latin1", start + messageHeader, end));
    else if (letter === readyForQuery) this.#finish(bytes[start + messageHeader] === outsideTransaction);
    else if (letter === errorResponse) {
      const fields = readFields(bytes, start, end);
      const state = fields.get("C");
      if (!isSqlState(state)) throw new MalformedReply();
      this.#state = state;
      this.#refusal = poolerRefusal(state, fields.get("M") ?? "");
      this.#inFunction = functionContext.test(fields.get("W") ?? "");
    } else if (letter === noticeResponse) {
      const fields = readFields(bytes, start, end);
      const reporter = fields.get("R");
      if (reporter === endOfSession) this.#state = fields.get("C");
      else if (reporter === synchronousWait) this.#unreplicated = true;
    } else if (!expected.has(letter)) throw new MalformedReply();
  }

  #admit(letter: number, length: number): void {
    this.#received += length;
    const largest = letter === dataRow ? this.#limit.row : this.#limit.other;
    if (length > largest || this.#received > this.#limit.total) throw new ReplyTooLarge();
  }

  /** Reads the tag of CommandComplete, which ends with the number of rows, such as `INSERT 0 5` or `SELECT 5`. */
  #complete(tag: string): void {
    this.#completed = true;
    const count = / (\d+)\0$/.exec(tag)?.[1];
    if (count === undefined) return;
    this.rowCount = Number(count);
    // A row that the server counted but that did not arrive would otherwise be a missing key.
    if (tag.startsWith("SELECT ") && this.rowCount !== this.#rows) throw new MalformedReply();
  }

  #finish(outside: boolean): void {
    if (!this.#completed && this.#state === undefined) throw new MalformedReply();
    const failed = this.#state !== undefined || this.#unreplicated || !outside;
    if (failed) this.#fail({ ready: outside || "inside a transaction" });
    this.ended = true;
    this.#resolve(this.rowCount);
  }

  #fail(known: Partial<ExchangeFailure>): void {
    const error = new ExchangeError({
      state: this.#state,
      refusal: this.#refusal,
      inFunction: this.#inFunction,
      unreplicated: this.#unreplicated,
      nodeCode: undefined,
      aborted: false,
      sent: this.sent,
      completed: this.#completed,
      ready: false,
      ...known,
    });
    if (!this.ended) this.failure = error;
    this.ended = true;
    this.#reject(error);
  }
}

class ReplyTooLarge extends Error {}

/** Returns whether a code has the form of an SQLSTATE. manykv reports only such codes, as other text may be secret. */
export function isSqlState(code: unknown): code is string {
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code);
}

/** Returns Node's code of an error, such as `ECONNREFUSED`, or `undefined` if the error has none. */
export function nodeCodeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  const { code } = error;
  return typeof code === "string" && /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : undefined;
}
