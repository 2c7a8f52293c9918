import { type Bucket, createStore, type Store, type StoreOptions } from "@manykv/core";
import type { Driver } from "@manykv/core/driver";
import { ProxySet } from "./faults/proxy-set.js";
import type { ConformanceHarness, Route } from "./harness.js";
import { SkipCase } from "./skip-case.js";
import { OpenDrivers } from "./support/open-drivers.js";
import { randomName } from "./support/random-name.js";
import { recordWrites, type WrittenKeys } from "./support/written-keys.js";

/** How a case opens a client. */
export interface ClientOptions {
  /** The store's options, on top of the harness's. */
  readonly store?: StoreOptions;
  /** Wraps the driver before core gets it: to count, to delay, to break. */
  readonly wrap?: (driver: Driver) => Driver;
  /** Where the client connects to. Default: to the servers themselves. */
  readonly route?: Route;
}

export interface BucketOptions extends ClientOptions {
  /** Default: a new random name. */
  readonly name?: string;
}

/** What a case works with. Everything opened through it is closed, and every key written is deleted, when it ends. */
export class CaseContext {
  readonly harness: ConformanceHarness;
  /** Seed of everything random in this case; a failure prints it. */
  readonly seed: number;
  readonly #closing: (() => Promise<void>)[] = [];
  readonly #drivers = new OpenDrivers();
  readonly #written: WrittenKeys = new Map();

  constructor(harness: ConformanceHarness, seed: number) {
    this.harness = harness;
    this.seed = seed;
  }

  /** A name that no other bucket has, of up to 64 characters; it ends in `suffix`. */
  bucketName(suffix = ""): string {
    return randomName() + suffix;
  }

  /** A new client of the harness's data. */
  async driver(route: Route = (server) => server): Promise<Driver> {
    return recordWrites(this.#drivers.track(await this.harness.driver(route)), this.#written);
  }

  /** A store on a new client. */
  async store(options: ClientOptions = {}): Promise<Store> {
    const driver = await this.driver(options.route);
    return this.storeOf(options.wrap?.(driver) ?? driver, options.store);
  }

  /** A store on a driver that the case made. */
  storeOf(driver: Driver, options: StoreOptions = {}): Store {
    const create = this.harness.createStore ?? createStore;
    const store = create(driver, { ...this.harness.options, ...options });
    this.onClose(() => store.close());
    return store;
  }

  /** A bucket on a new client, empty unless `name` is that of another. */
  async bucket(options: BucketOptions = {}): Promise<Bucket> {
    const store = await this.store(options);
    return store.open(options.name ?? this.bucketName());
  }

  /** Proxies before the harness's servers; a client goes through them by their `route`. */
  async proxies(): Promise<ProxySet> {
    const proxies = await ProxySet.start(this.harness.servers ?? []);
    this.onClose(() => proxies[Symbol.asyncDispose]());
    return proxies;
  }

  /** Ends the case: it does not apply to this backend. The suite prints the reason. */
  skip(reason: string): never {
    throw new SkipCase(reason);
  }

  /** Runs `close` when the case ends, last come first. */
  onClose(close: () => Promise<void>): void {
    this.#closing.push(close);
  }

  /** Deletes what the case wrote and closes what it opened. */
  async close(): Promise<void> {
    try {
      await this.#deleteWritten();
    } finally {
      for (const close of this.#closing.splice(0).reverse()) await close();
      await this.#drivers.close();
    }
  }

  async #deleteWritten(): Promise<void> {
    if (this.#written.size === 0) return;
    const store = createStore(await this.harness.driver((server) => server), { timeout: 60_000 });
    this.onClose(() => store.close());
    const buckets = [...this.#written];
    const lane = async (): Promise<void> => {
      for (let next = buckets.pop(); next; next = buckets.pop())
        await (await store.open(next[0])).deleteMany(next[1]);
    };
    await Promise.all(Array.from({ length: 8 }, lane));
  }
}
