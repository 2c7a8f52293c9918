import type { DriverRequest, Fault } from "@manykv/core/driver";
import { encodeCommand } from "../protocol/encode-command.js";
import { isCount } from "../protocol/reply.js";
import type { Identity } from "./identity.js";
import { Exchange, type RespSocket } from "./resp-socket.js";

/** A request that is aborted this close to its deadline, in milliseconds, was aborted by its deadline. */
const timerSlack = 5;

/** One connection to one Redis process, from opening to closing. Can be killed at the server. */
export class Connection {
  readonly identity: Identity;
  readonly #socket: RespSocket;
  readonly #openControl: () => Promise<RespSocket>;
  #dropped = false;
  #killed = false;
  /** Shared by all requests that were lost together, so that they need one control connection. */
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

  /** Whether no request waits for a reply, and no lost request is being settled. */
  get idle(): boolean {
    return this.#probing === undefined && this.#killing === undefined && !this.#socket.awaited;
  }

  /** Settles when a probe knows whether a connection that owes a reply still works. `undefined` without a probe. */
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

  /** Why an exchange is not complete; `undefined` if it is. */
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

  /** Closes a connection whose replies do not fit its commands. Returns the fault of the request that noticed. */
  desynchronized(): Fault {
    this.drop();
    const fence = (): Promise<void> => this.#kill(() => false);
    return { code: "connection-lost", retryable: true, effect: "unknown", fence };
  }

  /** Closes the connection on this side. Exchanges in flight are lost. */
  drop(): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#socket.destroy();
  }

  /**
   * Closes this connection at the server, over another connection. When this resolves, the server runs no more commands
   * from it, not even those that are still in a proxy between: https://redis.io/docs/latest/commands/client-kill/
   *
   * A server that does not know the connection has closed it already, or is a new process.
   *
   * @throws {Error} if the server did not confirm
   */
  async killVia(other: RespSocket): Promise<void> {
    if (this.#killed) return;
    const { client } = this.identity;
    if (client === undefined) throw new Error("the server did not tell this connection's id");
    const exchange = new Exchange(1);
    other.send(encodeCommand("CLIENT", "KILL", "ID", client.id, "ADDR", client.address), exchange);
    const { replies } = await exchange.ended;
    if (!isCount(replies[0])) throw new Error("the server did not kill the connection");
    this.#killed = true;
  }

  #abandon(exchange: Exchange, request: DriverRequest): void {
    exchange.finish("abandoned");
    const timedOut = performance.now() >= request.deadline - timerSlack;
    if (timedOut) this.#probe(exchange);
  }

  /** Resolves when a lost request has taken effect or never will. */
  async #settle(exchange: Exchange, request: DriverRequest): Promise<void> {
    // The probe may find that the connection works, which leaves this request open.
    await this.#probing?.catch(() => {});
    if (request.aborted) return;
    await this.#kill(() => exchange.answered);
  }

  /** Kills a connection that stays silent while its server answers on another. */
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
   * Closes the connection at the server, then on this side. The control connection opens first: once the server has
   * answered there, it has also answered here unless this connection is broken.
   *
   * @param settled - checked before killing: whether this caller no longer needs it
   */
  async #kill(settled: () => boolean): Promise<void> {
    // A kill that another request started may end without killing.
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
