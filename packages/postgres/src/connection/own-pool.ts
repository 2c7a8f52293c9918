import { FaultError } from "@manykv/core/driver";
import type { Client, Pool } from "pg";
import { faultOfConnecting, noFreeConnection } from "../error-table.js";
import type { ConnectionSettings } from "./connection-url.js";
import { HostRotation } from "./hosts.js";
import { guardedClient, guardedPool, hangUp, loadPg, type Pg } from "./pg-internals.js";
import { type Login, type PasswordProvider, storeClient } from "./store-client.js";

/** The store's own pool, created on first use. Idle connections close after 10 s and do not keep the process alive. */
export class OwnPool {
  readonly #settings: ConnectionSettings;
  readonly #password: PasswordProvider | undefined;
  #pool: Promise<Pool> | undefined;
  /** The clients whose connections are open or are being opened. */
  readonly #clients: Set<Client> = new Set();

  constructor(settings: ConnectionSettings, password: PasswordProvider | undefined) {
    this.#settings = settings;
    this.#password = password;
  }

  /** Returns a pool that also connects to a standby. */
  forAnyServer(): OwnPool {
    return new OwnPool({ ...this.#settings, sessionAttributes: "any" }, this.#password);
  }

  /** Loads pg and returns the pool. Opens no connection. */
  open(): Promise<Pool> {
    this.#pool ??= loadPg().then((pg) => {
      const { max, connectTimeout, keepAlive, keepAliveDelay, hosts } = this.#settings;
      const login: Login = {
        settings: this.#settings,
        hosts: new HostRotation(hosts),
        password: this.#password,
        hasConnected: false,
        refused: undefined,
      };
      const pool = new (poolOfHosts(pg, hosts.length))({
        Client: storeClient(guardedClient(pg, this.#clients), login),
        fallback_application_name: "manykv",
        connectionTimeoutMillis: connectTimeout,
        max,
        keepAlive,
        keepAliveInitialDelayMillis: keepAliveDelay,
        allowExitOnIdle: true,
      });
      // pg emits `error` when an idle connection breaks, and removes it. The next request opens a new one.
      return pool.on("error", () => {});
    });
    return this.#pool;
  }

  /** Closes the pool and all its connections. Does not wait for the server, because it may never respond. */
  async close(): Promise<void> {
    const pool = await this.#pool?.catch(() => undefined);
    const ended = pool?.end();
    for (const client of this.#clients) hangUp(client);
    await ended;
  }
}

type Done = (error: Error | undefined, ...rest: unknown[]) => void;

/** Returns a subclass of pg's `Pool` that tries to open a connection up to `count` times, each time at another host. */
function poolOfHosts(pg: Pg, count: number): typeof Pool {
  return class extends guardedPool(pg) {
    override connect(callback?: unknown): Promise<never> {
      const done = callback as Done;
      let left = count - 1;
      const attempt = (): void => {
        super.connect((error, ...rest) => {
          if (error === undefined || error === null || left === 0 || !isWorthAnotherHost(error)) {
            done(error, ...rest);
            return;
          }
          left--;
          attempt();
        });
      };
      attempt();
      return undefined as never;
    }
  };
}

function isWorthAnotherHost(error: Error): boolean {
  const { retryable, reason } = FaultError.is(error) ? error.fault : faultOfConnecting(error);
  return retryable && reason !== noFreeConnection;
}
