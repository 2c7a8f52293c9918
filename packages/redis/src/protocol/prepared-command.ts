import { Command, type Redis } from "ioredis";
import { Exchange, type Reply } from "./exchange.js";
import { keptReply } from "./kept-reply.js";

/** What is written in place of a command that must not be sent: it has one reply and no effect. */
const ping = Buffer.from("*1\r\n$4\r\nPING\r\n");

/**
 * A command of ready-made bytes, which leave through the call of {@link exchange} or never.
 *
 * A client may keep a command for later: in its offline queue, or to send it again after it reconnected. By then its
 * caller was told that it failed and may have written something newer. Such a command is written as a `PING`, so that
 * the client's queue stays in step with the replies.
 * https://github.com/redis/ioredis/issues/2130
 */
class PreparedCommand extends Command {
  /** Not an index that ioredis expects: it rejects such a command at once when the connection closes. */
  override pipelineIndex: number = -1;
  readonly #exchange: Exchange;
  #bytes: Buffer | undefined;

  constructor(name: string, replies: Exchange, bytes?: Buffer) {
    super(name);
    this.#exchange = replies;
    this.#bytes = bytes;
    this.promise = replies.ended;
    this.resolve = (reply: Reply) => this.#accept(reply);
    this.reject = (error: Error) => this.#accept(error);
  }

  /** Whether the bytes are still here, that is, were not given to a socket. */
  get unsent(): boolean {
    return this.#bytes !== undefined;
  }

  override toWritable(): Buffer {
    const bytes = this.#bytes ?? ping;
    this.#bytes = undefined;
    return bytes;
  }

  /** The first that a client does with a command to be sent, also when it sends it again. */
  override setReplyContext(context: Parameters<Command["setReplyContext"]>[0]): void {
    super.setReplyContext(context);
    if (!this.unsent) this.withdraw();
  }

  /** From now on nothing but a `PING` is sent. */
  withdraw(): void {
    this.#exchange.finish(this.unsent ? "unsent" : "lost");
    this.#bytes = undefined;
  }

  /** A client's own timeout does not end an exchange: the request's deadline does. */
  override setTimeout(): void {}

  #accept(reply: Reply): void {
    if (!(reply instanceof Error)) this.#exchange.accept(keptReply(reply));
    else if (reply.name === "ReplyError") this.#exchange.accept(reply);
    else this.withdraw();
  }
}

/**
 * Writes `bytes`, which hold `count` commands, as one piece. Their replies arrive in the exchange.
 *
 * @param name - what the client's tracing calls them
 */
export function exchange(redis: Redis, name: string, bytes: Buffer, count: number): Exchange {
  const replies = new Exchange(count);
  const first = new PreparedCommand(name, replies, bytes);
  redis.sendCommand(first);
  // Not written means that the client keeps it for later or refused it.
  if (first.unsent) first.withdraw();
  else if (count > 1) expectReplies(redis, new PreparedCommand(name, replies), count - 1);
  return replies;
}

/** The client shifts one entry of its queue for each reply; the bytes of these are written already. */
function expectReplies(redis: Redis, command: PreparedCommand, count: number): void {
  const entry = { command, stream: redis.stream, select: redis.condition?.select ?? 0 };
  for (let left = count; left > 0; left--) redis.commandQueue.push(entry);
}
