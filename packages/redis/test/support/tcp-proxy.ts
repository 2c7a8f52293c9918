import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

type Direction = "request" | "answer";

/** One client's connection through the proxy. */
export class ProxiedConnection {
  readonly client: Socket;
  readonly server: Socket;
  readonly #held: Map<Direction, Buffer[]> = new Map();

  constructor(client: Socket, server: Socket) {
    this.client = client;
    this.server = server;
    client.on("data", (bytes: Buffer) => this.#pass("request", bytes));
    server.on("data", (bytes: Buffer) => this.#pass("answer", bytes));
    client.on("error", () => {}).on("close", () => this.#closed());
    server.on("error", () => {}).on("close", () => this.client.destroy());
  }

  /** From now on bytes of this direction wait in the proxy. */
  hold(direction: Direction): void {
    this.#held.set(direction, []);
  }

  /** Bytes that wait, in this direction. */
  waiting(direction: Direction): number {
    return (this.#held.get(direction) ?? []).reduce((sum, bytes) => sum + bytes.length, 0);
  }

  /** Passes on what waited, also when the client is gone. */
  release(direction: Direction): void {
    for (const bytes of this.take(direction)) this.#pass(direction, bytes);
  }

  /** What waited, for the caller to pass on. Nothing more waits. */
  take(direction: Direction): readonly Buffer[] {
    const waiting = this.#held.get(direction) ?? [];
    this.#held.delete(direction);
    return waiting;
  }

  cut(): void {
    this.client.destroy();
    this.server.destroy();
  }

  #pass(direction: Direction, bytes: Buffer): void {
    const held = this.#held.get(direction);
    if (held !== undefined) held.push(bytes);
    else (direction === "request" ? this.server : this.client).write(bytes);
  }

  /** Bytes of a client that is gone may still be on their way to the server. */
  #closed(): void {
    if (!this.#held.has("request")) this.server.destroy();
  }
}

/** A proxy before one server. */
export class TcpProxy implements AsyncDisposable {
  readonly connections: ProxiedConnection[] = [];
  /** Bytes of this direction wait on connections that are opened from now on. */
  holdsNew: Direction | undefined;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
    const server = createServer({ noDelay: true });
    const proxy = new TcpProxy(server);
    server.on("connection", (client) => {
      const upstream = connect({ host: target.host, port: target.port, noDelay: true });
      const connection = new ProxiedConnection(client, upstream);
      if (proxy.holdsNew !== undefined) connection.hold(proxy.holdsNew);
      proxy.connections.push(connection);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** The connection that the store sends over: the last that was opened. */
  get last(): ProxiedConnection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error("nobody connected");
    return connection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.connections) connection.cut();
    this.#server.close();
    await once(this.#server, "close");
  }
}
