/** A request of which the whole body was received. It can be sent to another thread. */
export interface HttpRequest {
  readonly method: string;
  readonly pathWithQuery: string;
  readonly authority: string | undefined;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
}

/** Where the response of a component goes. Calls arrive in this order: `head`, any number of `write`, and one of the others. */
export interface ResponseSink {
  head(status: number, headers: readonly (readonly [name: string, value: Uint8Array])[]): void;
  write(bytes: Uint8Array): void;
  end(): void;
  /** Breaks the connection, so that the client does not take a part of a response for all of it. */
  abort(): void;
}

/** The body of a response. Keeps what the component writes before it sends the head. */
export class ResponseContent {
  #sink: ResponseSink | undefined;
  #pending: Uint8Array[] = [];
  /** Whether the component took the body, and so must finish it. */
  isTaken = false;
  isFinished = false;

  /** Called after the head was sent. */
  attach(sink: ResponseSink): void {
    this.#sink = sink;
    for (const bytes of this.#pending) sink.write(bytes);
    this.#pending = [];
    if (this.isFinished) sink.end();
  }

  write(bytes: Uint8Array): void {
    if (this.isFinished) return;
    // The component may reuse its memory.
    if (this.#sink === undefined) this.#pending.push(bytes.slice());
    else this.#sink.write(bytes);
  }

  finish(): void {
    if (this.isFinished) return;
    this.isFinished = true;
    this.#sink?.end();
  }
}

/** The response of one request. Ensures that the client gets one, whatever the component does. */
export class PendingResponse {
  readonly #sink: ResponseSink;
  #content: ResponseContent | undefined;

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  send(
    status: number,
    headers: readonly (readonly [name: string, value: Uint8Array])[],
    content: ResponseContent,
  ): void {
    this.#content = content;
    this.#sink.head(status, headers);
    content.attach(this.#sink);
  }

  /** The component returned. Throws if it has not sent a whole response. */
  returned(): void {
    if (this.#content === undefined) throw new Error("the component returned without a response");
    if (this.#content.isTaken && !this.#content.isFinished)
      throw new Error("the component returned without finishing the body of its response");
    this.#content.finish();
  }

  /** The component failed. The client does not learn why. */
  fail(): void {
    if (this.#content?.isFinished) return;
    if (this.#content !== undefined) {
      this.#sink.abort();
      return;
    }
    this.#sink.head(500, [["content-type", new TextEncoder().encode("text/plain")]]);
    this.#sink.write(new TextEncoder().encode("Internal Server Error\n"));
    this.#sink.end();
  }
}
