import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { Address } from "./link.js";
import type { Mutation } from "./mutation.js";

/** Stands between clients and a server, and changes what the server answers. */
export class MutatingLink implements AsyncDisposable {
  mutate: Mutation = (chunk) => chunk;
  /** Closes the client's connection after an answer that is changed, now and then. */
  closes = false;
  readonly #server: Server;
  readonly #sockets: Set<Socket> = new Set();

  private constructor(target: Address) {
    this.#server = createServer({ noDelay: true }, (client) => this.#accept(client, target));
  }

  static async before(target: Address): Promise<MutatingLink> {
    const link = new MutatingLink(target);
    await new Promise<void>((resolve) => {
      link.#server.listen(0, "127.0.0.1", resolve);
    });
    return link;
  }

  get address(): Address {
    return { host: "127.0.0.1", port: (this.#server.address() as AddressInfo).port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #accept(client: Socket, target: Address): void {
    const server = connect({ ...target, noDelay: true });
    for (const [socket, peer] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        peer.destroy();
      });
    }
    client.on("data", (chunk) => server.write(chunk));
    server.on("data", (chunk: Buffer) => {
      const changed = this.mutate(chunk);
      if (changed !== undefined) client.write(changed);
      if (this.closes && changed !== chunk) client.end();
    });
  }
}
