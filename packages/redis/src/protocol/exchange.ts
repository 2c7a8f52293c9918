/**
 * A reply; an error reply stands in its place as the error. What is a bulk string is the receiver's to keep and to
 * change: it shares no memory with what came from the socket, and overlaps no other.
 *
 * A simple string is a string, but bytes over a client of the caller's, where nothing tells it from a bulk string.
 */
export type Reply = Uint8Array | string | number | null | Error | readonly Reply[];

/**
 * How an exchange ended. `complete`: all replies came. `unsent`: nothing was written and nothing will be. `lost`: it was
 * written and the connection ended before the last reply. `abandoned`: it was written and nobody waits any more.
 */
export type Ending = "complete" | "unsent" | "lost" | "abandoned";

/** Commands that were written together, and their replies. */
export class Exchange {
  /** In the order of the commands; fewer than those where the exchange did not complete. */
  readonly replies: Reply[] = [];
  /** Resolves at the end, never rejects. */
  readonly ended: Promise<Ending>;
  readonly #count: number;
  #ending: Ending | undefined;
  #answered = 0;
  #end!: (ending: Ending) => void;

  constructor(count: number) {
    this.#count = count;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** Whether the server has replied to all of it, be it after it was abandoned. */
  get answered(): boolean {
    return this.#answered === this.#count;
  }

  accept(reply: Reply): void {
    this.#answered++;
    if (this.#ending !== undefined) return;
    this.replies.push(reply);
    if (this.answered) this.finish("complete");
  }

  finish(ending: Ending): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    this.#end(ending);
  }
}
