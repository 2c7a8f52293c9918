import { type DriverRequest, type Fault, now } from "@manykv/core/driver";
import type { Identity } from "./identity.js";
import { LostConnection } from "./lost-connection.js";
import { Exchange, type ExchangeOptions, type RespSocket } from "./resp-socket.js";

/** Timers may fire up to this many milliseconds early. An abort this close to the deadline counts as a timeout. */
const timerSlack = 5;

/** What a connection needs of the node that it belongs to. */
export interface ConnectionOwner {
  /** Called when a request on this connection timed out: the connection may be broken. */
  suspect(connection: Connection, exchange: Exchange): void;
  /** Called when the connection has closed, before its exchanges end. */
  closed(connection: Connection): void;
  /** Resolves when the commands of an exchange can no longer take effect. Rejects if that is not certain. */
  settle(connection: Connection, exchange: Exchange | undefined, request: DriverRequest): Promise<void>;
}

/** One connection to one Redis process. */
export class Connection {
  readonly identity: Identity;
  /** Settles when the node has found out whether this connection works. `undefined` if it does not try to. */
  probing: Promise<void> | undefined;
  /** Whether the server has acknowledged a write on this connection. */
  acknowledged: boolean = false;
  /** Set when the connection closed while the server might still run a write that was sent on it. */
  lost: LostConnection | undefined;
  readonly #socket: RespSocket;
  readonly #owner: ConnectionOwner;

  constructor(socket: RespSocket, identity: Identity, owner: ConnectionOwner) {
    this.#socket = socket;
    this.identity = identity;
    this.#owner = owner;
    socket.onClose = () => {
      if (this.unsettled) this.lost = new LostConnection(identity);
      owner.closed(this);
    };
  }

  /** Whether commands can be sent now. */
  get usable(): boolean {
    return this.probing === undefined && this.#socket.usable;
  }

  /** True if no request waits for a reply and the connection is not being probed. */
  get idle(): boolean {
    return this.probing === undefined && !this.#socket.awaited;
  }

  /** Whether the server may run a write later that was sent on this connection, and can be prevented from it. */
  get unsettled(): boolean {
    return this.identity.cannotSettle === undefined && this.#socket.unsettled;
  }

  get bytesRead(): number {
    return this.#socket.bytesRead;
  }

  /**
   * Writes commands and waits for their replies until the request is aborted. Never rejects: see {@link faultOf}.
   *
   * @param count - the number of commands
   */
  send(request: DriverRequest, commands: Buffer | string, count: number, options?: ExchangeOptions): Promise<Exchange> {
    const exchange = new Exchange(count, options);
    if (request.aborted || !this.usable) exchange.finish("unsent");
    else {
      this.#socket.send(commands, exchange);
      exchange.onEnd = request.onAbort(() => this.#abandon(exchange, request));
    }
    return exchange.ended;
  }

  /** Returns why an exchange is not complete, or `undefined` if it is complete. */
  faultOf(exchange: Exchange): Fault | undefined {
    if (exchange.writes && exchange.replies.length > 0) this.acknowledged = true;
    if (exchange.ending === "complete") return undefined;
    if (exchange.ending === "unsent") return unsent;
    const fault: Fault = {
      code: exchange.ending === "abandoned" ? "timeout" : "connection-lost",
      retryable: true,
      effect: exchange.writes ? "unknown" : "none",
    };
    if (exchange.ending === "oversized") return this.#oversized(exchange, fault);
    return this.#fenced(fault, exchange);
  }

  /** Closes this connection, because a reply does not fit its command. Returns the fault of the command's request. */
  desynchronized(exchange: Exchange): Fault {
    this.#socket.desynchronize();
    const effect = exchange.writes ? "unknown" : "none";
    return this.#fenced({ code: "connection-lost", retryable: true, effect }, undefined);
  }

  /** Closes the connection on the client side. Exchanges in flight end as `lost`. */
  drop(): void {
    this.#socket.destroy();
  }

  /** Sends commands for the connection itself, whether or not the connection is being probed. */
  control(commands: Buffer, count: number, options?: ExchangeOptions): Promise<Exchange> {
    const exchange = new Exchange(count, options);
    this.#socket.send(commands, exchange);
    return exchange.ended;
  }

  /** Several values may fit if they are requested separately. One value that is too large stays too large. */
  #oversized({ count, limits, writes }: Exchange, fault: Fault): Fault {
    const fewer = count > 1 || limits.maxItems > 0 || writes;
    if (fewer) return this.#fenced({ ...fault, reason: "the response is too large" }, undefined);
    return { code: "internal", retryable: false, effect: "none", reason: "the response is too large" };
  }

  #fenced(fault: Fault, exchange: Exchange | undefined): Fault {
    if (fault.effect === "none" || this.identity.cannotSettle !== undefined) return fault;
    return { ...fault, fence: (request) => this.#owner.settle(this, exchange, request) };
  }

  #abandon(exchange: Exchange, request: DriverRequest): void {
    exchange.finish("abandoned");
    const timedOut = now() >= request.deadline - timerSlack;
    if (timedOut) this.#owner.suspect(this, exchange);
  }
}

const unsent: Fault = Object.freeze({ code: "connection-lost", retryable: true, effect: "none" });
