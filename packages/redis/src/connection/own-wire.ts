import type { Redis } from "ioredis";
import { Exchange, type Reply } from "../protocol/exchange.js";
import { MalformedReply } from "../protocol/malformed-reply.js";
import { ReplyReader } from "../protocol/reply-reader.js";
import type { Wire } from "./wire.js";

interface Pending {
  readonly exchange: Exchange;
  next: Pending | undefined;
}

/**
 * A connection of our own. ioredis opens it and logs in, and learns when it closes; what goes over it in between passes
 * ioredis by, whose reading of replies alone takes longer than the server does to give them.
 */
export class OwnWire implements Wire {
  readonly #stream: Redis["stream"];
  /** Those that have replies to come, in the order in which they were sent. */
  #first: Pending | undefined;
  #last: Pending | undefined;

  /** @param redis - is ready and was asked for nothing that it has not answered; from now on nobody else uses it */
  constructor({ stream }: Redis) {
    this.#stream = stream;
    const reader = new ReplyReader((reply) => this.#accept(reply));
    stream.removeAllListeners("data");
    stream.on("data", (chunk: Buffer) => {
      try {
        if (this.#first === undefined) throw new MalformedReply("a reply that nobody asked for");
        reader.read(chunk);
      } catch {
        // Whose the replies are nobody knows.
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

  send(_name: string, bytes: Buffer, count: number): Exchange {
    const exchange = new Exchange(count);
    if (!this.usable) {
      exchange.finish("unsent");
      return exchange;
    }
    const pending: Pending = { exchange, next: undefined };
    if (this.#last === undefined) this.#first = pending;
    else this.#last.next = pending;
    this.#last = pending;
    this.#stream.write(bytes);
    return exchange;
  }

  destroy(): void {
    this.#stream.removeAllListeners("data");
    this.#stream.destroy();
  }

  #accept(reply: Reply): void {
    if (this.#first === undefined) throw new MalformedReply("a reply that nobody asked for");
    const { exchange, next } = this.#first;
    exchange.accept(reply);
    if (!exchange.answered) return;
    this.#first = next;
    if (next === undefined) this.#last = undefined;
  }

  #lose(): void {
    for (let each = this.#first; each !== undefined; each = each.next) each.exchange.finish("lost");
    this.#first = undefined;
    this.#last = undefined;
  }
}
