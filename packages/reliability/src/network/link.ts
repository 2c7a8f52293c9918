import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";
import { LinkConnection } from "./link-connection.js";
import type { LinkFault } from "./link-fault.js";

/** Where something listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Stands between clients and one server, passes everything on, and breaks what it is told to break. */
export class Link implements AsyncDisposable {
  readonly #server: Server;
  readonly #connections: Set<LinkConnection> = new Set();
  #armed: LinkFault | undefined;
  #onTrigger: () => void = () => {};
  /** A fault of the whole link that has begun: new connections have it too. */
  #lasting: LinkFault | undefined;
  #triggered = 0;

  private constructor(target: Address) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#accept(socket, target),
    );
  }

  static async before(target: Address): Promise<Link> {
    const link = new Link(target);
    await new Promise<void>((resolve, reject) => {
      link.#server.once("error", reject).listen(0, "127.0.0.1", resolve);
    });
    return link;
  }

  get address(): Address {
    return { host: "127.0.0.1", port: (this.#server.address() as AddressInfo).port };
  }

  /** How many faults have really happened. */
  get triggered(): number {
    return this.#triggered;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** The next connection that has passed `after` bytes in the fault's direction gets the fault. */
  arm(fault: LinkFault, onTrigger: () => void = () => {}): void {
    this.#armed = fault;
    this.#onTrigger = onTrigger;
    for (const connection of this.#connections) connection.arm(fault);
  }

  /** Takes back a fault that has not happened yet. */
  disarm(): void {
    this.#armed = undefined;
  }

  /** Passes on what was held, and takes the fault away; connections that lost bytes are closed. */
  heal(): void {
    this.#armed = undefined;
    this.#lasting = undefined;
    for (const connection of [...this.#connections]) connection.heal();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection.reset();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #accept(socket: Socket, target: Address): void {
    const connection = new LinkConnection(socket, target, {
      triggered: (fault) => this.#begin(fault),
      closed: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
    if (this.#lasting !== undefined) connection.suffer(this.#lasting);
    else if (this.#armed !== undefined) connection.arm(this.#armed);
  }

  #begin(fault: LinkFault): boolean {
    if (this.#armed !== fault) return false;
    this.#armed = undefined;
    this.#triggered++;
    this.#onTrigger();
    if (fault.scope === "link") {
      this.#lasting = fault;
      for (const connection of [...this.#connections]) connection.suffer(fault);
    }
    return true;
  }
}
