import { type Bucket, createStore, type Store, type StoreOptions } from "@manykv/core";
import type { Testbed } from "../testbeds/testbed.js";
import { type Address, Link } from "./link.js";
import type { LinkFault } from "./link-fault.js";

/** A client of a testbed with a link of its own before each server. */
export class LinkedClient implements AsyncDisposable {
  readonly #testbed: Testbed;
  readonly #links: ReadonlyMap<string, Link>;
  readonly #options: StoreOptions;
  #store: Store;

  private constructor(testbed: Testbed, links: ReadonlyMap<string, Link>, options: StoreOptions) {
    this.#testbed = testbed;
    this.#links = links;
    this.#options = options;
    this.#store = this.#open();
  }

  static async of(testbed: Testbed, options: StoreOptions = {}): Promise<LinkedClient> {
    const links = new Map<string, Link>();
    for (const server of testbed.servers) links.set(keyOf(server), await Link.before(server));
    return new LinkedClient(testbed, links, options);
  }

  get triggered(): number {
    return [...this.#links.values()].reduce((sum, link) => sum + link.triggered, 0);
  }

  bucket(name: string): Promise<Bucket> {
    return this.#store.open(name);
  }

  /** Arms a fault: of the connection that comes to it first, or of all links. */
  arm(fault: LinkFault): void {
    const links = [...this.#links.values()];
    const struck = (by: Link): void => {
      for (const link of links) if (link !== by) link.disarm();
    };
    for (const link of links) link.arm(fault, fault.scope === "connection" ? () => struck(link) : undefined);
  }

  heal(): void {
    for (const link of this.#links.values()) link.heal();
  }

  /** Closes the store and opens another. */
  async renew(): Promise<void> {
    await this.#store.close();
    this.#store = this.#open();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.heal();
    await this.#store.close();
    for (const link of this.#links.values()) await link[Symbol.asyncDispose]();
  }

  #open(): Store {
    const route = (server: Address): Address => this.#links.get(keyOf(server))?.address ?? server;
    return createStore(this.#testbed.driver(route), this.#options);
  }
}

function keyOf({ host, port }: Address): string {
  return `${host}:${port}`;
}
