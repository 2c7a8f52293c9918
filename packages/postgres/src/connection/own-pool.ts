import pg, { type Pool, type PoolConfig } from "pg";
import { GuardedClient } from "./guarded-client.js";

/** Connections at the most, of the 100 that a server has by default. */
const maxConnections = 10;

/** A pool of the store's own. Idle connections are closed after 10 seconds, and keep no process alive. */
export function openPool(config: PoolConfig): Pool {
  const pool = new pg.Pool({
    ...config,
    Client: GuardedClient,
    max: maxConnections,
    keepAlive: true,
    allowExitOnIdle: true,
  });
  // An idle connection was lost, and is out of the pool: the next request opens another.
  pool.on("error", () => {});
  return pool;
}
