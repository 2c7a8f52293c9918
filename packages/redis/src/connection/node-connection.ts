import { type DriverRequest, FaultError, waitFor } from "@manykv/core/driver";
import { encodeCommand } from "../protocol/encode-command.js";
import { Connection } from "./connection.js";
import { type Identity, identify } from "./identity.js";
import { Lifetime } from "./lifetime.js";
import { type ConnectionSource, openSocket } from "./open-socket.js";
import { Exchange, type RespSocket } from "./resp-socket.js";

export interface NodeOptions {
  /** How to reach the server and log in. */
  readonly source: ConnectionSource;
  /** Longest time to open a connection and identify the server, in milliseconds. */
  readonly connectTimeout: number;
  /** Ends when the connections are closed. Default: a lifetime of this node only. */
  readonly lifetime?: Lifetime;
  /** Throws a {@link FaultError} if the store must not use the server. */
  readonly check: (identity: Identity) => void;
}

/** Keeps one connection to one server. Opens the connection on first use and replaces it when it is lost. */
export class NodeConnection {
  readonly #options: NodeOptions;
  readonly #lifetime: Lifetime;
  #connection: Connection | undefined;
  #opening: Promise<Connection> | undefined;
  /** The number of requests that wait for a connection. */
  #waiting = 0;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.#lifetime = options.lifetime ?? new Lifetime();
  }

  /** The connection, or `undefined` if no command can be sent now. */
  get current(): Connection | undefined {
    return this.#connection?.usable ? this.#connection : undefined;
  }

  /** True if no request waits for a connection or a reply and no lost request is being settled. */
  get idle(): boolean {
    return this.#waiting === 0 && this.#opening === undefined && (this.#connection?.idle ?? true);
  }

  /**
   * Returns a usable connection. Opens one if necessary.
   *
   * @throws {FaultError} if no connection opens before the request is aborted; nothing was sent
   */
  async connect(request: DriverRequest): Promise<Connection> {
    this.#waiting++;
    try {
      const suspect = this.#connection;
      if (suspect?.probing !== undefined)
        await waitFor(
          request,
          suspect.probing.catch(() => suspect.drop()),
        );
      if (this.current !== undefined) return this.current;
      this.#opening ??= this.#open().finally(() => {
        this.#opening = undefined;
      });
      return await waitFor(request, this.#opening);
    } finally {
      this.#waiting--;
    }
  }

  /** Closes the connection: another server may serve the address now. The next request opens a new connection. */
  drop(): void {
    this.#connection?.drop();
  }

  /** Closes all connections to the server. Requests that wait for a connection fail. */
  close(): void {
    this.#lifetime.end();
  }

  async #open(): Promise<Connection> {
    const previous = this.#connection;
    this.#connection = await this.#openSocket(async (socket) => {
      const identity = await identify(socket);
      this.#options.check(identity);
      this.#checkDatabase(identity);
      // A write that was cancelled or timed out on the previous connection must not take effect after later writes.
      await previous?.killVia(socket).catch(() => {});
      return new Connection(socket, identity, this.#openControl);
    });
    return this.#connection;
  }

  /** Opens a control connection and waits for any reply. An open socket does not prove that Redis is running. */
  readonly #openControl = (): Promise<RespSocket> =>
    // This is a field because a closure in `#open` would keep every previous connection in memory.
    this.#openSocket(async (socket) => {
      const exchange = new Exchange(1);
      socket.send(ping, exchange);
      await exchange.ended;
      if (exchange.ending !== "complete") throw new FaultError(hungUp);
      return socket;
    });

  async #openSocket<Result>(prepare: (socket: RespSocket) => Promise<Result>): Promise<Result> {
    if (this.#lifetime.ended) throw new FaultError(removed);
    const { source, connectTimeout } = this.#options;
    return openSocket(source, connectTimeout, this.#lifetime, prepare);
  }

  #checkDatabase({ database }: Identity): void {
    if (database === undefined || database === this.#options.source.database) return;
    throw new FaultError({ code: "no-such-store", retryable: false, effect: "none", reason: "SELECT had no effect" });
  }
}

const ping = encodeCommand("PING");

const hungUp = Object.freeze({ code: "unavailable", retryable: true, effect: "none" } as const);

/** The fault of requests to a closed node. The node has left the cluster, so a retry sends them to other nodes. */
const removed = hungUp;
