import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { NodeAddress } from "../options.js";
import { bulks, RespFrames, wordsOf } from "./resp-frames.js";

/**
 * What a proxy does with one command:
 *
 * - a string or buffer: answers with these bytes of RESP2. The server does not see the command.
 * - an array of strings: sends this command instead.
 * - a function: sends the command, and passes the reply through the function.
 * - `hang-up`: closes the connection. Replies that are still due are lost.
 * - `hold`: sends this command and all later ones of the connection only after `release()`, even if the client has
 *   closed the connection by then.
 * - `undefined`: sends the command and returns the reply.
 */
export type Handling =
  | string
  | Buffer
  | readonly string[]
  | ((reply: Buffer) => Buffer | string)
  | "hang-up"
  | "hold"
  | undefined;

/** How a server or proxy differs from Redis. `command[0]` and the subcommand of `CLIENT` are in upper case. */
export type Manner = (command: readonly string[], connection: RespConnection) => Handling;

/** One connection of a client. */
export interface RespConnection {
  /** Counts from 1, in the order in which clients connected. */
  readonly number: number;
  readonly client: Socket;
}

/** Stands in front of a Redis server and handles commands as other servers and proxies do. */
export class RespProxy implements AsyncDisposable {
  /** Applies to commands that arrive later. */
  manner: Manner;
  /** The commands that clients have sent, each joined with spaces. */
  readonly commands: string[] = [];
  /** The number of connections that clients have opened. */
  connections: number = 0;
  readonly #target: NodeAddress;
  readonly #server: Server;
  readonly #sockets: Set<Socket> = new Set();
  /** The commands that the proxy holds, by the connection to the server. */
  readonly #held: Map<Socket, Buffer[]> = new Map();

  private constructor(target: NodeAddress, manner: Manner) {
    this.#target = target;
    this.manner = manner;
    this.#server = createServer({ noDelay: true }, (client) => this.#serve(client));
  }

  /** Starts a proxy for the server at `target`, on a free port of 127.0.0.1. */
  static async start(target: NodeAddress, manner: Manner = () => undefined): Promise<RespProxy> {
    const proxy = new RespProxy(target, manner);
    await once(proxy.#server.listen(0, "127.0.0.1"), "listening");
    return proxy;
  }

  get host(): string {
    return "127.0.0.1";
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Closes the open connections to clients, and those to the server unless the proxy holds commands for them. */
  cut(): void {
    for (const socket of this.#sockets) if (!this.#held.has(socket)) socket.destroy();
  }

  /** Sends the commands that the proxy holds. */
  release(): void {
    for (const [server, frames] of this.#held) for (const frame of frames) server.write(frame);
    this.#held.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #serve(client: Socket): void {
    const server = connect({ ...this.#target, noDelay: true });
    const connection = { number: ++this.connections, client };
    const requests = new RespFrames();
    const replies = new RespFrames();
    const due = new DueReplies(client);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        if (!this.#held.has(other)) other.destroy();
      });
    }
    client.on("data", (chunk: Buffer) => {
      for (const frame of requests.take(chunk)) this.#handle(frame, connection, server, due);
    });
    server.on("data", (chunk: Buffer) => {
      for (const frame of replies.take(chunk)) due.arrive(frame);
    });
  }

  #handle(frame: Buffer, connection: RespConnection, server: Socket, due: DueReplies): void {
    if (connection.client.destroyed) return;
    const held = this.#held.get(server);
    if (held !== undefined) return void held.push(frame);
    const words = normalized(wordsOf(frame));
    this.commands.push(words.join(" "));
    const handling = this.manner(words, connection);
    if (handling === "hang-up") connection.client.destroy();
    else if (handling === "hold") this.#held.set(server, [frame]);
    else if (typeof handling === "string" || Buffer.isBuffer(handling)) due.answer(handling);
    else {
      due.expect(typeof handling === "function" ? handling : undefined);
      server.write(Array.isArray(handling) ? bulks(...handling) : frame);
    }
  }
}

/** Sends replies in the order of the commands, wherever they come from. */
class DueReplies {
  readonly #client: Socket;
  readonly #places: { reply?: Buffer | string; change: ((reply: Buffer) => Buffer | string) | undefined }[] = [];

  constructor(client: Socket) {
    this.#client = client;
  }

  answer(reply: Buffer | string): void {
    this.#places.push({ reply, change: undefined });
    this.#flush();
  }

  expect(change: ((reply: Buffer) => Buffer | string) | undefined): void {
    this.#places.push({ change });
  }

  arrive(reply: Buffer): void {
    const place = this.#places.find((each) => each.reply === undefined);
    if (place !== undefined) place.reply = place.change?.(reply) ?? reply;
    this.#flush();
  }

  #flush(): void {
    while (this.#places[0]?.reply !== undefined) this.#client.write(this.#places.shift()?.reply ?? "");
  }
}

function normalized([command = "", second, ...rest]: readonly string[]): string[] {
  const name = command.toUpperCase();
  if (second === undefined) return [name];
  return [name, name === "CLIENT" || name === "CLUSTER" ? second.toUpperCase() : second, ...rest];
}
