import { Socket } from "node:net";
import type { Redis } from "ioredis";
import { MalformedReply, type Reply } from "../protocol/reply.js";
import { ReplyReader } from "../protocol/reply-reader.js";

/**
 * How an exchange ended. `complete`: all replies arrived. `unsent`: nothing was written. `lost`: it was written and the
 * connection closed before the last reply. `abandoned`: it was written and the request stopped waiting.
 */
export type Ending = "complete" | "unsent" | "lost" | "abandoned";

/** Commands that are written together, and their replies. */
export class Exchange {
  /** In the order of the commands. Some are missing unless the exchange is complete. */
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

  /** Whether the server has replied to every command, even if the exchange was abandoned before. */
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
 * One connection as commands and replies. ioredis opens it: it connects, negotiates TLS and authenticates. From then on
 * this class uses the socket directly, because ioredis takes longer to parse replies than the server to produce them.
 */
export class RespSocket {
  readonly #stream: Redis["stream"];
  /** Exchanges that still have replies to come, in the order in which they were sent. */
  #first: Exchange | undefined;
  #last: Exchange | undefined;

  /** @param redis - must be ready and idle, and must not be used for anything else afterwards */
  constructor({ stream }: Redis) {
    this.#stream = stream;
    // Node allocates memory for each read of a socket. A custom connector may return a stream that reuses its memory.
    const reader = new ReplyReader((reply) => this.#accept(reply), { ownsChunks: stream instanceof Socket });
    stream.removeAllListeners("data");
    stream.on("data", (chunk: Buffer) => {
      try {
        if (this.#first === undefined) throw new MalformedReply("a reply without a command");
        reader.read(chunk);
      } catch {
        // Replies can no longer be matched to commands.
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

  /** Writes commands in one piece. */
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

  /** Closes the connection without waiting for the server. Exchanges in flight are lost. */
  destroy(): void {
    this.#stream.removeAllListeners("data");
    this.#stream.destroy();
  }

  #accept(reply: Reply): void {
    const exchange = this.#first;
    if (exchange === undefined) throw new MalformedReply("a reply without a command");
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
