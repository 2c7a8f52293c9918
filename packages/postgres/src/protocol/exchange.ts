import { FaultError } from "@manykv/core/driver";
import { Submission } from "../connection/pg-internals.js";
import { DataRow, type OnRow } from "./data-row.js";
import { MalformedReply, messageHeader, readFields } from "./message-reader.js";

/** Why an exchange failed, as far as the client can see. */
export interface ExchangeFailure {
  /** `state`: SQLSTATE of the server's error. `nodeCode`: Node's code of the error that broke the connection. */
  readonly state: string | undefined;
  readonly nodeCode: string | undefined;
  /** `aborted`: the request was aborted. `sent`: bytes were written to the socket. */
  readonly aborted: boolean;
  readonly sent: boolean;
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

const dataRow = "D".charCodeAt(0);
const commandComplete = "C".charCodeAt(0);
const errorResponse = "E".charCodeAt(0);
const readyForQuery = "Z".charCodeAt(0);
const outsideTransaction = "I".charCodeAt(0);

/**
 * Sends one statement on one connection and reads the reply.
 *
 * The exchange ends when the server is ready for the next statement, the connection breaks, or `abort` is called.
 * Postgres commits a statement between CommandComplete and ReadyForQuery, when it processes Sync. So after an error
 * before CommandComplete, nothing was committed, even if the connection then breaks.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY
 */
export class Exchange extends Submission {
  /** Resolves on success. Rejects with an {@link ExchangeError}, or a `FaultError` if manykv cannot use the client. */
  readonly done: Promise<void>;
  protected ended = false;
  readonly #onRow: OnRow;
  #row: DataRow | undefined;
  #resolve!: () => void;
  #reject!: (error: Error) => void;
  #state: string | undefined;
  #completed = false;

  /** @param request - the messages of the statement, including Sync */
  constructor(request: Buffer, onRow: OnRow) {
    super(request);
    this.#onRow = onRow;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Stops waiting and rejects. The caller must then close the connection, because the reply may still arrive. */
  abort(): void {
    this.#fail({ aborted: true });
  }

  protected fail(error: unknown): void {
    if (FaultError.is(error)) this.#reject(error);
    this.#fail({ nodeCode: nodeCodeOf(error) });
  }

  protected read(bytes: Buffer, start: number, end: number): void {
    const letter = bytes[start];
    if (letter === dataRow) {
      this.#row ??= new DataRow();
      this.#row.open(bytes, start, end);
      this.#onRow(this.#row);
    } else if (letter === commandComplete) this.#completed = true;
    else if (letter === readyForQuery) this.#finish(bytes[start + messageHeader] === outsideTransaction);
    else {
      const state = readFields(bytes, start, end).get("C");
      if (letter !== errorResponse) return;
      if (!isSqlState(state)) throw new MalformedReply();
      this.#state = state;
    }
  }

  #finish(outside: boolean): void {
    if (!this.#completed && this.#state === undefined) throw new MalformedReply();
    if (this.#state !== undefined || !outside) this.#fail({ ready: outside || "inside a transaction" });
    this.ended = true;
    this.#resolve();
  }

  #fail(known: Partial<ExchangeFailure>): void {
    const failure: ExchangeFailure = {
      state: this.#state,
      nodeCode: undefined,
      aborted: false,
      sent: this.stream !== undefined,
      completed: this.#completed,
      ready: false,
      ...known,
    };
    this.ended = true;
    this.#reject(new ExchangeError(failure));
  }
}

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
