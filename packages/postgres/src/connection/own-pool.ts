import type { Client, Pool, PoolConfig } from "pg";
import { guardedClient, hangUp, loadPg } from "./pg-internals.js";

/** Maximum number of connections of one store. By default, a server accepts 100 from all clients. */
const maxConnections = 10;

/** The store's own pool, created on first use. Idle connections close after 10 s and do not keep the process alive. */
export class OwnPool {
  readonly #config: PoolConfig;
  #pool: Promise<Pool> | undefined;
  readonly #connecting: Set<Client> = new Set();

  constructor(config: PoolConfig) {
    this.#config = config;
  }

  /** Loads pg and returns the pool. Opens no connection. */
  open(): Promise<Pool> {
    this.#pool ??= loadPg().then((pg) => {
      const Client = guardedClient(pg, this.#connecting);
      const pool = new pg.Pool({
        ...this.#config,
        Client,
        max: maxConnections,
        keepAlive: true,
        allowExitOnIdle: true,
      });
      // An idle connection broke, and pg removed it from the pool. The next request opens a new one.
      return pool.on("error", () => {});
    });
    return this.#pool;
  }

  /** Closes the pool. Aborts connections that are still being opened, because the server may never respond. */
  async close(): Promise<void> {
    const pool = await this.#pool?.catch(() => undefined);
    const ended = pool?.end();
    for (const client of this.#connecting) hangUp(client);
    await ended;
  }
}
