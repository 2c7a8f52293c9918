import type { DriverRequest } from "@manykv/core";
import { Redis, type RedisOptions } from "ioredis";
import { FaultError } from "../fault-error.js";
import { Connection } from "./connection.js";
import { answeringGuard } from "./guard.js";
import { type Identity, identify } from "./identity.js";
import { destroy, oneConnection, openRedis } from "./open-redis.js";
import type { RedisNode } from "./redis-node.js";
import type { Wire } from "./wire.js";
import { within } from "./within.js";

/** Opens connections of our own. */
export class OwnNode implements RedisNode {
  readonly #options: typeof oneConnection;
  readonly #connectTimeout: number;
  readonly #check: (identity: Identity) => void;
  readonly #open: Set<Redis> = new Set();
  #connection: Connection | undefined;
  #opening: Promise<Connection> | undefined;
  /** Requests that wait for a connection. */
  #waiting = 0;
  #closed = false;

  /**
   * @param connectTimeout - in milliseconds
   * @param check - throws where the server is not one to be used
   */
  constructor(options: RedisOptions, connectTimeout: number, check: (identity: Identity) => void) {
    this.#options = { ...options, ...oneConnection };
    this.#connectTimeout = connectTimeout;
    this.#check = check;
  }

  get current(): Connection | undefined {
    return this.#connection?.usable ? this.#connection : undefined;
  }

  get idle(): boolean {
    return this.#waiting === 0 && this.#opening === undefined && (this.#connection?.idle ?? true);
  }

  async connection(request: DriverRequest): Promise<Connection> {
    this.#waiting++;
    try {
      return await this.#usableConnection(request);
    } finally {
      this.#waiting--;
    }
  }

  retire(connection: Connection): void {
    connection.drop();
  }

  close(): void {
    this.#closed = true;
    for (const redis of this.#open) destroy(redis);
  }

  async #usableConnection(request: DriverRequest): Promise<Connection> {
    const suspect = this.#connection;
    if (suspect?.inquiry !== undefined) {
      await within(
        request,
        suspect.inquiry.catch(() => suspect.drop()),
      );
    }
    if (this.current !== undefined) return this.current;
    this.#opening ??= this.#openConnection().finally(() => {
      this.#opening = undefined;
    });
    return within(request, this.#opening);
  }

  async #openConnection(): Promise<Connection> {
    const before = this.#connection;
    this.#connection = await this.#openRedis(async (wire) => {
      const identity = await identify(wire);
      this.#check(identity);
      this.#checkDatabase(identity);
      // What was given up over the one before must not land after what is written over this one.
      await before?.endOver(wire).catch(() => {});
      return new Connection(wire, identity, this.#openGuard);
    });
    return this.#connection;
  }

  /** Made here and not where it is handed over: a function made there would keep the connection before for ever. */
  readonly #openGuard = (): Promise<Wire> => this.#openRedis(answeringGuard);

  async #openRedis<Result>(first: (wire: Wire) => Promise<Result>): Promise<Result> {
    if (this.#closed) throw new FaultError(left);
    const redis = new Redis(this.#options);
    this.#open.add(redis);
    redis.once("end", () => this.#open.delete(redis));
    return openRedis(redis, this.#connectTimeout, first);
  }

  #checkDatabase({ database }: Identity): void {
    if (database === undefined || database === (this.#options.db ?? 0)) return;
    throw new FaultError({
      code: "no-such-store",
      retryable: false,
      effect: "none",
      reason: "SELECT",
    });
  }
}

/** A node is closed under a request only where the cluster has it no more: another node serves its slots. */
const left = Object.freeze({
  code: "unavailable",
  retryable: true,
  effect: "none",
  reason: "the node left the cluster",
} as const);
