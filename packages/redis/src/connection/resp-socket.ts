import { Socket } from "node:net";
import type { Redis } from "ioredis";
import { MalformedReply, type Reply } from "../protocol/reply.js";
import { ReplyReader } from "../protocol/reply-reader.js";

/**
 * How an exchange ended. `complete`: all replies arrived. `unsent`: nothing was written. `lost`: the connection closed
 * before the last reply. `abandoned`: the request was aborted before the last reply.
 */
export type Ending = "complete" | "unsent" | "lost" | "abandoned";

/** Commands that are written together, and their replies. */
export class Exchange {
  /** The replies that have arrived, in the order of the commands. */
  readonly replies: Reply[] = [];
  /** Resolves with the exchange when it ends. Never rejects. */
  readonly ended: Promise<this>;
  /** Called when the exchange ends. */
  onEnd: (() => void) | undefined;
  /** The exchange that was sent next on the same socket. */
  next: Exchange | undefined;
  readonly #count: number;
  #ending: Ending | undefined;
  #answered = 0;
  #resolve!: (exchange: this) => void;

  /** @param count - the number of commands, which is the number of replies */
  constructor(count: number) {
    this.#count = count;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** Whether the server has replied to every command, even if the exchange was abandoned earlier. */
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
    this.onEnd?.();
    this.#resolve(this);
  }
}

/**
 * Sends commands and reads replies on one connection. ioredis connects, negotiates TLS and authenticates. Then this
 * class uses the socket directly, because ioredis takes longer to parse replies than the server takes to produce them.
 */
export class RespSocket {
  readonly #stream: Redis["stream"];
  /** The oldest exchange that waits for replies. Its `next` leads to the exchanges that were sent later. */
  #first: Exchange | undefined;
  #last: Exchange | undefined;

  /** @param redis - a connected client without pending commands; do not use it for anything else afterwards */
  constructor({ stream }: Redis) {
    this.#stream = stream;
    // Node.js allocates new memory for each read from a socket. A stream of a custom connector may reuse its memory.
    const reader = new ReplyReader((reply) => this.#accept(reply), { ownsChunks: stream instanceof Socket });
    stream.removeAllListeners("data");
    stream.on("data", (chunk: Buffer) => {
      try {
        if (this.#first === undefined) throw new MalformedReply("the server sent a reply without a command");
        reader.read(chunk);
      } catch {
        // The replies after this one cannot be matched to commands.
        this.destroy();
      }
    });
    stream.once("close", () => this.#lose());
  }

  get usable(): boolean {
    return this.#stream.writable;
  }

  get bytesRead(): number {
    return this.#stream.bytesRead;
  }

  /** Whether a request waits for a reply. */
  get awaited(): boolean {
    for (let each = this.#first; each !== undefined; each = each.next) if (each.ending === undefined) return true;
    return false;
  }

  /** Writes commands to the socket in one write. Ends the exchange as `unsent` if the socket is closed. */
  send(commands: Buffer | string, exchange: Exchange): void {
    if (!this.usable) {
      exchange.finish("unsent");
      return;
    }
    if (this.#last === undefined) this.#first = exchange;
    else this.#last.next = exchange;
    this.#last = exchange;
    this.#stream.write(commands);
  }

  /** Closes the connection without waiting for the server. Exchanges in flight end as `lost`. */
  destroy(): void {
    this.#stream.removeAllListeners("data");
    this.#stream.destroy();
  }

  #accept(reply: Reply): void {
    const exchange = this.#first;
    if (exchange === undefined) throw new MalformedReply("the server sent a reply without a command");
    exchange.accept(reply);
    if (!exchange.answered) return;
    this.#first = exchange.next;
    exchange.next = undefined;
    if (this.#first === undefined) this.#last = undefined;
  }

  #lose(): void {
    for (let each = this.#first; each !== undefined; each = each.next) each.finish("lost");
    this.#first = undefined;
    this.#last = undefined;
  }
}
