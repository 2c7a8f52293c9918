/** Why an exchange did not end well, as far as the wire tells. */
export interface ExchangeFailure {
  /** SQLSTATE of the server's error, if it sent one. */
  readonly state: string | undefined;
  /** Node's code of the error that broke the connection, if it has one. */
  readonly nodeCode: string | undefined;
  /** The statement went by its name: the server was to know it, or to learn it. */
  readonly prepared: boolean;
  /** The exchange was given up, since its time was over. */
  readonly abandoned: boolean;
  /** Bytes went to the socket. */
  readonly sent: boolean;
  /** The server said that the statement was done. */
  readonly completed: boolean;
  /** The server said that the connection is free for the next statement, outside of any transaction. */
  readonly free: boolean;
  /** The server said that the connection is free, but inside a transaction that somebody had left open. */
  readonly inTransaction: boolean;
}

/** What an exchange rejects with. */
export class ExchangeError extends Error {
  override readonly name: string = "ExchangeError";
  readonly failure: ExchangeFailure;

  constructor(failure: ExchangeFailure) {
    super(failure.state ?? failure.nodeCode ?? "no answer");
    this.failure = failure;
  }
}
