import { clearTimer, createRequest, type DriverRequest, FaultError, setTimer, waitFor } from "@manykv/core/driver";
import type { Reply } from "../protocol/reply.js";
import { Connection, type ConnectionOwner } from "./connection.js";
import { type Identity, Interview, Round } from "./identity.js";
import { Lifetime } from "./lifetime.js";
import type { LostConnection } from "./lost-connection.js";
import { type ConnectionSource, openSocket } from "./open-socket.js";
import { pause } from "./pause.js";
import type { Exchange } from "./resp-socket.js";

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

/** Number of attempts to settle lost connections. If all fail, the requests that wait for them fail. */
const settlingAttempts = 6;
/** Shortest pause between these attempts, in milliseconds. It doubles each time. */
const settlingPause = 5;
/** Longest time for settling lost writes when the store closes, in milliseconds. */
const closingTime = 100;

/**
 * Keeps one connection to one server. Opens the connection on first use and replaces it when it is lost. If a write on
 * the lost connection has no reply, sends no other write until the server has closed that connection too. So an old
 * write never overwrites a newer one.
 */
export class NodeConnection implements ConnectionOwner {
  /** Counts the server processes that may have acknowledged writes and were replaced. */
  replaced: number = 0;
  /** Called after each change of `replaced`. */
  onReplaced: () => void = () => {};
  /** Why the server could not close the last lost connection. `undefined` if it could. */
  cannotSettle: string | undefined;
  readonly #options: NodeOptions;
  readonly #lifetime: Lifetime;
  readonly #interview: Interview = new Interview();
  #connection: Connection | undefined;
  #opening: Promise<Connection> | undefined;
  /** Lost connections that the server may still serve. At most two, because no write is sent in the meantime. */
  readonly #lost: Set<LostConnection> = new Set();
  #settling: Promise<void> | undefined;
  /** The process and the history of its data that acknowledged writes on an earlier connection. */
  #writer: string | undefined;
  /** The number of requests that wait for a connection. */
  #waiting = 0;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.#lifetime = options.lifetime ?? new Lifetime();
  }

  /** The connection for reads, or `undefined` if no command can be sent now. */
  get current(): Connection | undefined {
    return this.#connection?.usable ? this.#connection : undefined;
  }

  /** The connection for writes, or `undefined` if no write can be sent now. */
  get writable(): Connection | undefined {
    return this.#lost.size === 0 ? this.current : undefined;
  }

  /** What the server reported on the last connection. */
  get identity(): Identity | undefined {
    return this.#connection?.identity;
  }

  /** Whether the current process, or the one before a connection was lost, has acknowledged writes. */
  get acknowledged(): boolean {
    return this.#writer !== undefined || this.#connection?.acknowledged === true;
  }

  /** True if no request waits for a connection or a reply and no lost write is being settled. */
  get idle(): boolean {
    const busy = this.#waiting > 0 || this.#opening !== undefined || this.#lost.size > 0;
    return !busy && (this.#connection?.idle ?? true);
  }

  /**
   * Returns a usable connection. Opens one if necessary.
   *
   * @throws {FaultError} if no connection opens before the request is aborted; nothing was sent
   */
  async connect(request: DriverRequest): Promise<Connection> {
    this.#waiting++;
    try {
      const probing = this.#connection?.probing;
      if (probing !== undefined) await waitFor(request, probing);
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

  /** Like {@link connect}, for a write: also waits until no lost write can take effect after it. */
  async connectToWrite(request: DriverRequest): Promise<Connection> {
    for (;;) {
      const connection = await this.connect(request);
      if (this.#lost.size === 0) return connection;
      await waitFor(request, this.#settleAll());
    }
  }

  /**
   * Sends commands over a separate connection. If the server closes it early, returns only the replies before that.
   *
   * @param check - throws a {@link FaultError} if the server must not be asked. Default: the check of the node.
   */
  async ask(
    commands: Buffer,
    count: number,
    request: DriverRequest,
    check: NodeOptions["check"] = this.#options.check,
  ): Promise<{ readonly identity: Identity; readonly replies: readonly Reply[] }> {
    const asking = this.#openConnection(check).then(async (connection) => {
      const { replies } = await connection.send(request, commands, count);
      connection.drop();
      return { identity: connection.identity, replies };
    });
    return waitFor(request, asking);
  }

  /**
   * Closes all connections to the server. Requests that wait for a connection fail. If a write was cancelled and the
   * server has not replied to it, first tries for 100 ms to make sure that it takes no effect later.
   */
  async close(): Promise<void> {
    if (this.#lost.size > 0 || this.#connection?.unsettled) {
      const timer = setTimer(() => this.#lifetime.end(), closingTime);
      const ended = new Promise<void>((resolve) => this.#lifetime.onEnd(resolve));
      await Promise.race([this.#settleBeforeClosing().catch(() => {}), ended]);
      clearTimer(timer);
    }
    this.#lifetime.end();
  }

  suspect(connection: Connection, exchange: Exchange): void {
    if (connection.probing !== undefined || !connection.usable) return;
    const received = connection.bytesRead;
    const works = (): boolean => exchange.answered || connection.bytesRead > received;
    connection.probing = this.#replaceUnless(connection, works).finally(() => {
      connection.probing = undefined;
    });
  }

  closed(connection: Connection): void {
    if (connection.lost === undefined) return;
    this.#lost.add(connection.lost);
    // Begin at once: a cancelled write has no fence, and another client may write the same key.
    if (!this.#lifetime.ended) this.#settleAll().catch(() => {});
  }

  async settle(connection: Connection, exchange: Exchange | undefined, request: DriverRequest): Promise<void> {
    if (connection.probing !== undefined) await waitFor(request, connection.probing);
    if (exchange?.answered) return;
    // Even if the probe finds that the connection works, this request may still have no reply.
    connection.drop();
    const { lost } = connection;
    if (lost !== undefined && this.#lost.has(lost)) await waitFor(request, this.#settleAll());
    if (lost?.ended === false) throw new FaultError(unavailable);
  }

  /** Closes all lost connections on the server. Several callers share the attempts. */
  #settleAll(): Promise<void> {
    this.#settling ??= this.#trySettling().finally(() => {
      this.#settling = undefined;
    });
    return this.#settling;
  }

  async #trySettling(): Promise<void> {
    for (let attempt = 1; this.#lost.size > 0; attempt++) {
      try {
        const connection = await this.connect(createRequest({ bucket: "" }));
        for (const lost of [...this.#lost]) await this.#end(lost, connection);
      } catch (error) {
        const permanent = error instanceof FaultError && !error.fault.retryable;
        if (permanent || attempt === settlingAttempts || this.#lifetime.ended) throw error;
        await pause(this.#lifetime, settlingPause * 2 ** attempt);
      }
    }
  }

  async #end(lost: LostConnection, connection: Connection): Promise<void> {
    const timer = setTimer(() => connection.drop(), this.#options.connectTimeout);
    try {
      this.cannotSettle = await lost.endVia(connection);
      this.#lost.delete(lost);
    } finally {
      clearTimer(timer);
    }
  }

  async #settleBeforeClosing(): Promise<void> {
    const connection = this.#connection;
    if (connection?.unsettled) {
      // If the connection works, it delivers the reply before the new connection is ready.
      const other = await this.#openConnection();
      if (connection.unsettled) {
        this.#adopt(other);
        connection.drop();
      }
    }
    await this.#settleAll();
  }

  async #open(): Promise<Connection> {
    const connection = await this.#openConnection();
    this.#adopt(connection);
    return connection;
  }

  /** Replaces a connection on which a request timed out, unless the connection works or the server is unreachable. */
  async #replaceUnless(suspect: Connection, works: () => boolean): Promise<void> {
    // When the server has replied on a new connection, it has also replied on a working one.
    const other = await this.#openConnection().catch(() => undefined);
    if (other === undefined) suspect.drop();
    else if (works()) other.drop();
    else {
      this.#adopt(other);
      suspect.drop();
    }
  }

  #adopt(connection: Connection): void {
    const { history } = connection.identity;
    if (this.#connection?.acknowledged) this.#writer = this.#connection.identity.history;
    this.#connection = connection;
    if (this.#writer !== history) this.#loseWrites();
  }

  /**
   * Records that acknowledged writes may be lost: another process serves the address, or the server replaced its data with
   * that of a master, or is now a replica, which does so.
   */
  #loseWrites(): void {
    if (!this.acknowledged) return;
    this.#writer = undefined;
    if (this.#connection !== undefined) this.#connection.acknowledged = false;
    this.replaced++;
    this.onReplaced();
  }

  async #openConnection(check = this.#options.check): Promise<Connection> {
    const round = new Round();
    for (;;) {
      round.hungUp = false;
      try {
        return await this.#openOnce(round, check);
      } catch (error) {
        if (!round.hungUp) throw error;
      }
    }
  }

  async #openOnce(round: Round, check: NodeOptions["check"]): Promise<Connection> {
    if (this.#lifetime.ended) throw new FaultError(unavailable);
    const { source, connectTimeout } = this.#options;
    return openSocket(source, connectTimeout, this.#lifetime, async (socket) => {
      const identity = await this.#interview.ask(socket, round);
      if (identity.role === "replica") this.#loseWrites();
      check(identity);
      this.#checkDatabase(identity);
      return new Connection(socket, identity, this);
    });
  }

  #checkDatabase({ database }: Identity): void {
    if (database === undefined || database === this.#options.source.database) return;
    throw new FaultError({ code: "no-such-store", retryable: false, effect: "none", reason: "SELECT had no effect" });
  }
}

/** The fault of requests to a closed node, too. The node has left the cluster, so a retry uses other nodes. */
const unavailable = Object.freeze({ code: "unavailable", retryable: true, effect: "none" } as const);
