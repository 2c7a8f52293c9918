import type { Client, ClientConfig, Pool, PoolConfig } from "pg";
import { guardedClient, hangUp, loadPg } from "./pg-internals.js";

/** A server accepts 100 connections by default. */
const maxConnections = 10;

/** The store's own pool, opened on first use. It closes connections after 10 idle seconds and keeps no process alive. */
export class OwnPool {
  readonly #config: PoolConfig;
  #pool: Promise<Pool> | undefined;
  readonly #connecting: Set<Client> = new Set();

  constructor(config: PoolConfig) {
    this.#config = config;
  }

  /** Loads pg. Opens no connection. */
  open(): Promise<Pool> {
    this.#pool ??= this.#open();
    return this.#pool;
  }

  /** Does not wait for connections that are still being opened, perhaps to a server that never answers. */
  async close(): Promise<void> {
    const pool = await this.#pool?.catch(() => undefined);
    const ended = pool?.end();
    for (const client of this.#connecting) hangUp(client);
    await ended;
  }

  async #open(): Promise<Pool> {
    const pg = await loadPg();
    const connecting = this.#connecting;
    const pool = new pg.Pool({
      ...this.#config,
      Client: class extends guardedClient(pg) {
        constructor(config?: ClientConfig) {
          super(config);
          connecting.add(this);
          const connected = (): boolean => connecting.delete(this);
          this.once("connect", connected).once("end", connected);
        }
      },
      max: maxConnections,
      keepAlive: true,
      allowExitOnIdle: true,
    });
    // An idle connection broke and has left the pool. The next request opens another.
    pool.on("error", () => {});
    return pool;
  }
}
