import { Socket } from "node:net";
import type { Redis } from "ioredis";
import { MalformedReply, OversizedReply, type Reply } from "../protocol/reply.js";
import { type ReplyLimits, shortReply } from "../protocol/reply-limits.js";
import { ReplyReader } from "../protocol/reply-reader.js";

/**
 * How an exchange ended. `complete`: all replies arrived. `unsent`: nothing was written. `lost`: the connection closed
 * before the last reply. `oversized`: a reply was larger than the exchange allows, so the connection was closed.
 * `abandoned`: the request was aborted before the last reply.
 */
export type Ending = "complete" | "unsent" | "lost" | "oversized" | "abandoned";

export interface ExchangeOptions {
  /** What the replies may cost. Default: {@link shortReply}. */
  readonly limits?: ReplyLimits;
  /** Whether the commands change data. Default: false. */
  readonly writes?: boolean;
}

/** Commands that are written together, and their replies. */
export class Exchange {
  readonly limits: ReplyLimits;
  readonly writes: boolean;
  /** The replies that have arrived, in the order of the commands. */
  readonly replies: Reply[] = [];
  /** Resolves with the exchange when it ends. Never rejects. */
  readonly ended: Promise<this>;
  /** Called when the exchange ends. */
  onEnd: (() => void) | undefined;
  /** The exchange that was sent next on the same socket. */
  next: Exchange | undefined;
  /** The number of commands. */
  readonly count: number;
  #ending: Ending | undefined;
  #answered = 0;
  #resolve!: (exchange: this) => void;

  /** @param count - the number of commands, which is the number of replies */
  constructor(count: number, { limits = shortReply, writes = false }: ExchangeOptions = {}) {
    this.limits = limits;
    this.writes = writes;
    this.count = count;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** Whether the server has replied to every command, even if the exchange was abandoned earlier. */
  get answered(): boolean {
    return this.#answered === this.count;
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
 * Sends commands and reads replies on one connection. ioredis connects and negotiates TLS. Then this class uses the
 * socket directly, because ioredis takes longer to parse replies than the server takes to produce them.
 */
export class RespSocket {
  readonly #stream: Redis["stream"];
  readonly #reader: ReplyReader;
  /** Called once when the connection closes, before its exchanges end. */
  onClose: () => void = () => {};
  /** The oldest exchange that waits for replies. Its `next` leads to the exchanges that were sent later. */
  #first: Exchange | undefined;
  #last: Exchange | undefined;
  /** About the number of bytes that have arrived for the oldest exchange. */
  #received = 0;
  /** Whether replies could not be matched to commands, so that even an answered write may not have been applied yet. */
  #confused = false;
  #closed = false;

  /** @param redis - a connected client without pending commands; do not use it for anything else afterwards */
  constructor({ stream }: Redis) {
    this.#stream = stream;
    // Node.js allocates new memory for each read from a socket. A stream of a custom connector may reuse its memory.
    this.#reader = new ReplyReader((reply) => this.#accept(reply), { ownsChunks: stream instanceof Socket });
    stream.removeAllListeners("data");
    stream.on("data", (chunk: Buffer) => this.#read(chunk));
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

  /** Whether the server may still run, or may not have run yet, a write that was sent on this connection. */
  get unsettled(): boolean {
    if (this.#confused) return true;
    for (let each = this.#first; each !== undefined; each = each.next) if (each.writes) return true;
    return false;
  }

  /** Writes commands to the socket in one write. Ends the exchange as `unsent` if the socket is closed. */
  send(commands: Buffer | string, exchange: Exchange): void {
    if (!this.usable) {
      exchange.finish("unsent");
      return;
    }
    if (this.#last === undefined) this.#begin(exchange);
    else this.#last.next = exchange;
    this.#last = exchange;
    this.#stream.write(commands);
  }

  /** Closes the connection without waiting for the server. Exchanges in flight end as `lost`. */
  destroy(): void {
    this.#stream.removeAllListeners("data");
    this.#stream.destroy();
    this.#lose();
  }

  /** Closes the connection, because a reply does not fit its command. */
  desynchronize(): void {
    this.#confused = true;
    this.destroy();
  }

  #read(chunk: Buffer): void {
    const exchange = this.#first;
    try {
      if (exchange === undefined) throw new MalformedReply("the server sent a reply without a command");
      this.#reader.read(chunk);
      if (this.#first !== exchange) return;
      this.#received += chunk.length;
      if (this.#received > exchange.limits.maxBytes) throw new OversizedReply();
    } catch (error) {
      const full = this.#first !== undefined && this.#received + chunk.length > this.#first.limits.maxBytes;
      if (full || error instanceof OversizedReply) this.#first?.finish("oversized");
      // The replies after this one cannot be matched to commands.
      this.desynchronize();
    }
  }

  #begin(exchange: Exchange | undefined): void {
    this.#first = exchange;
    this.#received = 0;
    if (exchange === undefined) this.#last = undefined;
    else this.#reader.limits = exchange.limits;
  }

  #accept(reply: Reply): void {
    const exchange = this.#first;
    if (exchange === undefined) throw new MalformedReply("the server sent a reply without a command");
    exchange.accept(reply);
    if (!exchange.answered) return;
    this.#begin(exchange.next);
    exchange.next = undefined;
  }

  #lose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.onClose();
    for (let each = this.#first; each !== undefined; each = each.next) each.finish("lost");
    this.#first = undefined;
    this.#last = undefined;
  }
}
