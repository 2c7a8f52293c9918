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
  /** Options of the store. They override the harness's. */
  readonly store?: StoreOptions;
  /** Wraps the driver, for example to count or break requests. */
  readonly wrap?: (driver: Driver) => Driver;
  /** Where the client connects to. Default: directly to the servers. */
  readonly route?: Route;
}

export interface BucketOptions extends ClientOptions {
  /** Default: a unique name. */
  readonly name?: string;
}

/** What a case works with. At its end, everything it opened is closed and every key it wrote is deleted. */
export class CaseContext {
  readonly harness: ConformanceHarness;
  /** Seed of everything random in this case. */
  readonly seed: number;
  readonly #closing: (() => Promise<void>)[] = [];
  readonly #drivers = new OpenDrivers();
  readonly #written: WrittenKeys = new Map();

  constructor(harness: ConformanceHarness, seed: number) {
    this.harness = harness;
    this.seed = seed;
  }

  /** Returns a unique bucket name that ends in `suffix`. */
  bucketName(suffix = ""): string {
    return randomName() + suffix;
  }

  /** Creates a client of the harness's data. */
  async driver(route: Route = (server) => server): Promise<Driver> {
    return recordWrites(this.#drivers.track(await this.harness.driver(route)), this.#written);
  }

  /** Creates a store with a new client. */
  async store(options: ClientOptions = {}): Promise<Store> {
    const driver = await this.driver(options.route);
    return this.storeOf(options.wrap?.(driver) ?? driver, options.store);
  }

  /** Creates a store over a driver. */
  storeOf(driver: Driver, options: StoreOptions = {}): Store {
    const create = this.harness.createStore ?? createStore;
    const store = create(driver, { ...this.harness.options, ...options });
    this.onClose(() => store.close());
    return store;
  }

  /** Opens a bucket with a new client. It is empty unless `name` was used before. */
  async bucket(options: BucketOptions = {}): Promise<Bucket> {
    const store = await this.store(options);
    return store.open(options.name ?? this.bucketName());
  }

  /** Starts proxies in front of the harness's servers. Pass their `route` to open a client behind them. */
  async proxies(): Promise<ProxySet> {
    const proxies = await ProxySet.start(this.harness.servers ?? []);
    this.onClose(() => proxies[Symbol.asyncDispose]());
    return proxies;
  }

  /** Ends a case that does not apply to this backend. The suite prints the reason. */
  skip(reason: string): never {
    throw new SkipCase(reason);
  }

  /** Runs `close` when the case ends, in reverse order of registration. */
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
    const worker = async (): Promise<void> => {
      for (let next = buckets.pop(); next; next = buckets.pop()) await (await store.open(next[0])).deleteMany(next[1]);
    };
    await Promise.all(Array.from({ length: 8 }, worker));
  }
}
