import pg, { type Pool, type PoolConfig } from "pg";
import { GuardedClient } from "./guarded-client.js";

/** Connections at the most, of the 100 that a server has by default. */
const maxConnections = 10;

/** A pool of the store's own. Idle connections are closed after 10 seconds, and keep no process alive. */
export class OwnPool {
  readonly pool: Pool;
  readonly #opening: Set<GuardedClient> = new Set();

  constructor(config: PoolConfig) {
    const opening = this.#opening;
    this.pool = new pg.Pool({
      ...config,
      Client: class extends GuardedClient {
        constructor(settings?: pg.ClientConfig) {
          super(settings);
          opening.add(this);
          const opened = (): boolean => opening.delete(this);
          this.once("connect", opened).once("end", opened);
        }
      },
      max: maxConnections,
      keepAlive: true,
      allowExitOnIdle: true,
    });
    // An idle connection was lost, and is out of the pool: the next request opens another.
    this.pool.on("error", () => {});
  }

  /** Nobody waits any more for a connection that is still being opened, perhaps to a server that never answers. */
  async close(): Promise<void> {
    const ended = this.pool.end();
    for (const client of this.#opening) client.hangUp();
    await ended;
  }
}
