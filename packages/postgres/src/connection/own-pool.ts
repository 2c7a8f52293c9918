import type { Client, Pool, PoolConfig } from "pg";
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
    this.#pool ??= loadPg().then((pg) => {
      const Client = guardedClient(pg, this.#connecting);
      const pool = new pg.Pool({
        ...this.#config,
        Client,
        max: maxConnections,
        keepAlive: true,
        allowExitOnIdle: true,
      });
      // An idle connection broke and has left the pool. The next request opens another.
      return pool.on("error", () => {});
    });
    return this.#pool;
  }

  /** Does not wait for connections that are still being opened, perhaps to a server that never answers. */
  async close(): Promise<void> {
    const pool = await this.#pool?.catch(() => undefined);
    const ended = pool?.end();
    for (const client of this.#connecting) hangUp(client);
    await ended;
  }
}
