import type { Duplex } from "node:stream";
import { DataRow, type OnRow } from "./data-row.js";
import { isSqlState, nodeCodeOf } from "./error-codes.js";
import { ExchangeError, type ExchangeFailure } from "./exchange-failure.js";
import { MalformedAnswer } from "./malformed-answer.js";
import { messageHeader } from "./message-reader.js";
import { packet } from "./packet.js";
import type { Parameter } from "./parameter.js";
import { hasFields, readFields } from "./response-fields.js";
import { SocketTap } from "./socket-tap.js";
import type { WireConnection } from "./wire.js";

/** A statement; with a name it is prepared once for each connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

const dataRow = "D".charCodeAt(0);
const commandComplete = "C".charCodeAt(0);
const errorResponse = "E".charCodeAt(0);
const readyForQuery = "Z".charCodeAt(0);
const outsideTransaction = "I".charCodeAt(0);

/**
 * One statement on one connection, and its answer: what pg calls a submittable.
 *
 * It ends when the server says that the connection is free again, or when the connection is lost. Postgres commits a
 * statement of its own between CommandComplete and ReadyForQuery, in answer to Sync. So an error before
 * CommandComplete means that nothing was committed, whatever happens to the connection then.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY
 */
export class Exchange {
  /** pg keeps in mind, by these two, which statements the server knows. */
  readonly name: string;
  readonly text: string;
  /** Rejects with an {@link ExchangeError}, or an `UnsupportedClient`. */
  readonly done: Promise<void>;
  /** pg sets it where the pool has a `query_timeout`, and waits for it to be called. */
  callback: (() => void) | undefined;

  readonly #parameters: readonly Parameter[];
  readonly #onRow: OnRow;
  readonly #row: DataRow = new DataRow();
  #resolve!: () => void;
  #reject!: (error: Error) => void;
  /** The socket, once something was sent. */
  #stream: Duplex | undefined;
  #state: string | undefined;
  #completed = false;
  #ended = false;

  constructor(statement: Statement, parameters: readonly Parameter[], onRow: OnRow) {
    this.name = statement.name;
    this.text = statement.text;
    this.#parameters = parameters;
    this.#onRow = onRow;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** pg calls it when the connection is free; an error that it gives comes back by `handleError`. */
  submit({ stream, parsedStatements }: WireConnection): Error | null {
    try {
      if (this.#ended) throw new Error("given up while it waited for the connection");
      const known = this.name !== "" && parsedStatements[this.name] === this.text;
      const bytes = packet(this, !known, this.#parameters);
      // It takes itself off when it is told to close.
      new SocketTap(stream, this.#read);
      stream.once("close", this.#lost);
      this.#stream = stream;
      stream.write(bytes);
      return null;
    } catch (error) {
      this.#end(() => this.#reject(error as Error));
      return error as Error;
    }
  }

  /** Nobody waits for the answer any more. The connection must then be closed, as the answer may still come. */
  abandon(): void {
    this.#fail({ abandoned: true });
  }

  /** pg calls it when the connection broke or cannot be used, and for errors of the server, which are known here. */
  handleError(error: unknown): void {
    if (this.#state === undefined) this.#fail({ nodeCode: nodeCodeOf(error) });
  }

  // pg calls these; what they tell was read here already.
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleCommandComplete(): void {}
  handleReadyForQuery(): void {}
  handlePortalSuspended(): void {}
  handleEmptyQuery(): void {}
  handleCopyInResponse(): void {}
  handleCopyData(): void {}

  readonly #lost = (): void => this.#fail({});

  readonly #read = (bytes: Buffer, start: number, end: number, tap: SocketTap): boolean => {
    const letter = bytes[start];
    if (letter === dataRow) {
      this.#row.open(bytes, start, end);
      this.#onRow(this.#row);
      return true;
    }
    if (letter === commandComplete) this.#completed = true;
    else if (hasFields(bytes, start)) {
      const fields = readFields(bytes, start, end);
      if (letter === errorResponse) this.#state = stateOf(fields);
    }
    const last = letter === readyForQuery;
    if (last) {
      if (!this.#completed && this.#state === undefined) throw new MalformedAnswer();
      tap.close();
      this.#finish(bytes[start + messageHeader] === outsideTransaction);
    }
    tap.pass(bytes.subarray(start, end));
    return !last;
  };

  /** The connection is free again. */
  #finish(outside: boolean): void {
    if (this.#state === undefined && outside) this.#end(this.#resolve);
    else this.#fail({ free: outside, inTransaction: !outside });
  }

  #fail(known: Partial<ExchangeFailure>): void {
    const failure = {
      state: this.#state,
      nodeCode: undefined,
      prepared: this.name !== "",
      abandoned: false,
      sent: this.#stream !== undefined,
      completed: this.#completed,
      free: false,
      inTransaction: false,
      ...known,
    };
    this.#end(() => this.#reject(new ExchangeError(failure)));
  }

  #end(settle: () => void): void {
    this.#ended = true;
    this.#stream?.off("close", this.#lost);
    this.callback?.();
    settle();
  }
}

/** The code among the fields of an error. */
function stateOf(fields: ReadonlyMap<string, string>): string {
  const state = fields.get("C");
  if (!isSqlState(state)) throw new MalformedAnswer();
  return state;
}
