import type { DriverRequest, Fault } from "@manykv/core/driver";
import { encodeCommand } from "../protocol/encode-command.js";
import { isCount } from "../protocol/reply.js";
import type { Identity } from "./identity.js";
import { Exchange, type RespSocket } from "./resp-socket.js";

/** Timers may fire up to this many milliseconds early. An abort this close to the deadline counts as a timeout. */
const timerSlack = 5;

/** One connection to one Redis process. Can be closed on the client side and, with `CLIENT KILL`, on the server. */
export class Connection {
  readonly identity: Identity;
  readonly #socket: RespSocket;
  readonly #openControl: () => Promise<RespSocket>;
  #dropped = false;
  #killed = false;
  /** The kill in progress. Requests that were lost together share it, so that they need only one control connection. */
  #killing: Promise<void> | undefined;
  #probing: Promise<void> | undefined;

  /** @param openControl - opens a control connection: a second connection to the same server */
  constructor(socket: RespSocket, identity: Identity, openControl: () => Promise<RespSocket>) {
    this.#socket = socket;
    this.identity = identity;
    this.#openControl = openControl;
  }

  /** Whether commands can be sent now. */
  get usable(): boolean {
    return !this.#dropped && this.#probing === undefined && this.#socket.usable;
  }

  /** True if no request waits for a reply and no lost request is being settled. */
  get idle(): boolean {
    return this.#probing === undefined && this.#killing === undefined && !this.#socket.awaited;
  }

  /** Settles when the running probe has found out whether this connection works. `undefined` if no probe is running. */
  get probing(): Promise<void> | undefined {
    return this.#probing;
  }

  /**
   * Writes commands and waits for their replies until the request is aborted. Never rejects: see {@link faultOf}.
   *
   * @param count - the number of commands
   */
  send(request: DriverRequest, commands: Buffer | string, count: number): Promise<Exchange> {
    const exchange = new Exchange(count);
    if (request.aborted || !this.usable) exchange.finish("unsent");
    else {
      this.#socket.send(commands, exchange);
      exchange.onEnd = request.onAbort(() => this.#abandon(exchange, request));
    }
    return exchange.ended;
  }

  /** Returns why an exchange is not complete, or `undefined` if it is complete. */
  faultOf(exchange: Exchange): Fault | undefined {
    if (exchange.ending === "complete") return undefined;
    if (exchange.ending === "unsent") return unsent;
    return {
      code: exchange.ending === "abandoned" ? "timeout" : "connection-lost",
      retryable: true,
      effect: "unknown",
      fence: (request) => this.#settle(exchange, request),
    };
  }

  /** Closes this connection, because a reply does not fit its command. Returns the fault of the command's request. */
  desynchronized(): Fault {
    this.drop();
    const fence = (): Promise<void> => this.#kill(() => false);
    return { code: "connection-lost", retryable: true, effect: "unknown", fence };
  }

  /** Closes the connection on the client side. Exchanges in flight end as `lost`. */
  drop(): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#socket.destroy();
  }

  /**
   * Closes this connection on the server, over another connection. After that, the server runs no more commands of this
   * connection, not even commands that a proxy has delayed: https://redis.io/docs/latest/commands/client-kill/
   *
   * Also resolves if the server does not know the connection: it has already closed the connection or has restarted.
   *
   * @throws {Error} if the server reported no connection id or does not confirm the kill
   */
  async killVia(other: RespSocket): Promise<void> {
    if (this.#killed) return;
    const { client } = this.identity;
    if (client === undefined) throw new Error("the server reported no connection id: permit CLIENT INFO in the ACL");
    const exchange = new Exchange(1);
    other.send(encodeCommand("CLIENT", "KILL", "ID", client.id, "ADDR", client.address), exchange);
    const { replies } = await exchange.ended;
    if (!isCount(replies[0])) throw new Error("CLIENT KILL failed: check that the ACL permits the command");
    this.#killed = true;
  }

  #abandon(exchange: Exchange, request: DriverRequest): void {
    exchange.finish("abandoned");
    const timedOut = performance.now() >= request.deadline - timerSlack;
    if (timedOut) this.#probe(exchange);
  }

  /** Resolves when a lost request has taken effect or no longer can, or if `request` is aborted during a probe. */
  async #settle(exchange: Exchange, request: DriverRequest): Promise<void> {
    // Even if the probe finds that the connection works, this request may still have no reply.
    await this.#probing?.catch(() => {});
    if (request.aborted) return;
    await this.#kill(() => exchange.answered);
  }

  /** Kills the connection if it stays silent while the server responds on another connection. */
  #probe(exchange: Exchange): void {
    if (this.#probing !== undefined) return;
    const received = this.#socket.bytesRead;
    const works = (): boolean => exchange.answered || this.#socket.bytesRead > received;
    this.#probing = this.#kill(works).finally(() => {
      this.#probing = undefined;
    });
    this.#probing.catch(() => {});
  }

  /**
   * Closes the connection on the server, then on the client side. Opens a control connection first: when the server has
   * replied on the control connection, it has also replied on this connection, unless this connection is broken.
   *
   * @param settled - returns whether the kill is no longer necessary; called before the kill
   */
  async #kill(settled: () => boolean): Promise<void> {
    // A kill that another request started may end without closing the connection.
    while (!this.#killed && !settled()) {
      this.#killing ??= this.#killViaControl(settled).finally(() => {
        this.#killing = undefined;
      });
      await this.#killing;
    }
  }

  async #killViaControl(settled: () => boolean): Promise<void> {
    const control = await this.#openControl();
    try {
      if (!settled()) await this.killVia(control).finally(() => this.drop());
    } finally {
      control.destroy();
    }
  }
}

const unsent: Fault = Object.freeze({ code: "connection-lost", retryable: true, effect: "none" });
