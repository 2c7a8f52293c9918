import type { Redis } from "ioredis";
import { keyOfAddress } from "../cluster/node-address.js";
import type { Lifetime } from "../connection/lifetime.js";
import type { Login } from "../connection/log-in.js";
import type { ConnectionSource } from "../connection/open-socket.js";
import type { Address } from "../redis-url.js";
import { watchFailovers } from "./failover-watch.js";
import { findMaster, type Sentinels } from "./find-master.js";

/** How to reach the master of a service that sentinels monitor. */
export interface SentinelService extends Sentinels {
  /** What a connection to the master sends first. */
  readonly login: Login;
  /** Returns a client for a connection to the master at this address. */
  readonly createClient: (master: Address) => Promise<Redis>;
}

/** Connects to the master that the sentinels name at that moment. */
export class SentinelSource implements ConnectionSource {
  readonly credentials: Login["credentials"];
  readonly database: number;
  readonly connectionName: string | undefined;
  /** Called when the sentinels name another master than that of the last connection. */
  onSwitch: () => void = () => {};
  /** Whether a sentinel does not permit the store to subscribe. */
  cannotSubscribe = false;
  readonly #service: SentinelService;
  /** The sentinels, for connections for which no call waits. */
  readonly #background: Sentinels;
  readonly #timeout: number;
  readonly #owner: Lifetime;
  #master: Address | undefined;
  #watching = false;
  /** The number of reported changes since the running search for the master began. */
  #changes = 0;

  /**
   * @param timeout - the longest time to ask the sentinels, in milliseconds
   * @param owner - its end closes the connections to the sentinels
   */
  constructor(service: SentinelService, timeout: number, owner: Lifetime) {
    this.#service = service;
    this.#background = { ...service, source: (address) => ({ ...service.source(address), background: true }) };
    this.#timeout = timeout;
    this.#owner = owner;
    this.credentials = service.login.credentials;
    this.database = service.login.database;
    this.connectionName = service.login.connectionName;
  }

  readonly createClient = async (attempt: Lifetime): Promise<Redis> => {
    if (!this.#watching) {
      this.#watching = true;
      watchFailovers(this.#background, this.#timeout, this.#owner, {
        onChange: () => void this.#check(),
        onRefused: () => {
          this.cannotSubscribe = true;
        },
      });
    }
    this.#master = await findMaster(this.#service, this.#timeout, attempt);
    return this.#service.createClient(this.#master);
  };

  /**
   * Looks for another master. A call during a search starts another search, because the first one may miss a change.
   */
  async #check(): Promise<void> {
    this.#changes++;
    if (this.#changes > 1) return;
    for (let seen = 0; seen < this.#changes && !this.#owner.ended; ) {
      seen = this.#changes;
      const master = await findMaster(this.#background, this.#timeout, this.#owner).catch(() => this.#master);
      if (master !== undefined && this.#master !== undefined && keyOfAddress(master) !== keyOfAddress(this.#master))
        this.onSwitch();
    }
    this.#changes = 0;
  }
}
