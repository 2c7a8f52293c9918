import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { textOf } from "../../src/protocol/reply.js";
import { ReplyReader } from "../../src/protocol/reply-reader.js";

interface Master {
  readonly host: string;
  readonly port: number;
  readonly epoch: number;
}

/** A sentinel that says what a test tells it to say: real sentinels disagree only by chance. */
export class FakeSentinel implements AsyncDisposable {
  /** The master that the sentinel reports under the name `main`. */
  master: Master | undefined;
  password: string | undefined;
  /** Whether the sentinel accepts connections but never replies. */
  silent = false;
  /** Whether the ACL of the sentinel permits `SUBSCRIBE`. */
  permitsSubscribe = true;
  /** The number of `SUBSCRIBE` commands that the sentinel has received. */
  subscriptions = 0;
  readonly #server: Server;
  readonly #sockets: Set<Socket> = new Set();
  readonly #subscribers: Set<Socket> = new Set();

  private constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(master?: Master): Promise<FakeSentinel> {
    const sentinel = new FakeSentinel();
    sentinel.master = master;
    sentinel.#server.listen(0, "127.0.0.1");
    await once(sentinel.#server, "listening");
    return sentinel;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  get subscribers(): number {
    return this.#subscribers.size;
  }

  /** Reports another master, as after a failover, and tells the subscribers. */
  switchTo(master: Master): void {
    this.master = master;
    for (const socket of this.#subscribers)
      socket.write("*3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n$4\r\nmain\r\n");
  }

  dropSubscribers(): void {
    for (const socket of this.#subscribers) socket.destroy();
  }

  #serve(socket: Socket): void {
    let authenticated = this.password === undefined;
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#subscribers.delete(socket);
    });
    const reader = new ReplyReader((reply) => {
      if (this.silent || !Array.isArray(reply)) return;
      const words = reply.map((word) => textOf(word) ?? "");
      const [command = "", ...rest] = words;
      if (command === "AUTH") {
        authenticated = rest.at(-1) === this.password;
        socket.write(authenticated ? "+OK\r\n" : "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
      } else if (!authenticated) socket.write("-NOAUTH Authentication required.\r\n");
      else if (command === "SUBSCRIBE") {
        this.subscriptions++;
        if (!this.permitsSubscribe) {
          socket.write("-NOPERM this user has no permissions to run the 'subscribe' command\r\n");
          return;
        }
        this.#subscribers.add(socket);
        for (const channel of rest) socket.write(`*3\r\n$9\r\nsubscribe\r\n$${channel.length}\r\n${channel}\r\n:1\r\n`);
      } else socket.write(this.#answer(words));
    });
    socket.on("data", (chunk: Buffer) => reader.read(chunk));
  }

  #answer([, subcommand, service]: readonly string[]): string {
    const master = service === "main" ? this.master : undefined;
    if (subcommand === "GET-MASTER-ADDR-BY-NAME")
      return master === undefined ? "*-1\r\n" : array(master.host, `${master.port}`);
    return master === undefined
      ? "-ERR No such master with that name\r\n"
      : array("name", "main", "config-epoch", `${master.epoch}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

function array(...items: readonly string[]): string {
  return `*${items.length}\r\n${items.map((item) => `$${item.length}\r\n${item}\r\n`).join("")}`;
}
