import { type ConnectionFault, ProxySet } from "@manykv/conformance/faults";
import { type Bucket, createStore, type Store, type StoreOptions } from "@manykv/core";
import type { Testbed } from "../testbeds/testbed.js";

/** A client that connects to each server of a testbed through a separate proxy. */
export class ProxiedClient implements AsyncDisposable {
  readonly #testbed: Testbed;
  readonly #proxies: ProxySet;
  readonly #options: StoreOptions;
  #store: Store;

  private constructor(testbed: Testbed, proxies: ProxySet, options: StoreOptions) {
    this.#testbed = testbed;
    this.#proxies = proxies;
    this.#options = options;
    this.#store = this.#open();
  }

  static async of(testbed: Testbed, options: StoreOptions = {}): Promise<ProxiedClient> {
    return new ProxiedClient(testbed, await ProxySet.start(testbed.servers), options);
  }

  /** Number of faults that have begun. */
  get faults(): number {
    return this.#proxies.faults;
  }

  bucket(name: string): Promise<Bucket> {
    return this.#store.open(name);
  }

  /** Arms a fault for one connection to any server or, with scope `all`, for all connections to every server. */
  arm(fault: ConnectionFault): void {
    this.#proxies.arm(fault, { firstOnly: fault.scope !== "all" });
  }

  heal(): void {
    this.#proxies.heal();
  }

  /** Closes the store and opens a new store. */
  async renew(): Promise<void> {
    await this.#store.close();
    this.#store = this.#open();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.heal();
    await this.#store.close();
    await this.#proxies[Symbol.asyncDispose]();
  }

  #open(): Store {
    return createStore(this.#testbed.driver(this.#proxies.route), this.#options);
  }
}
