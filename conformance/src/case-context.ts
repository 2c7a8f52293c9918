import { type Bucket, createStore, type Store, type StoreOptions } from "@manykv/core";
import type { Driver } from "@manykv/core/driver";
import { ProxySet } from "./faults/proxy-set.js";
import type { ConformanceHarness, Route } from "./harness.js";
import { SkipCase } from "./skip-case.js";
import { randomName } from "./support/random-name.js";
import type { RequestLog } from "./support/request-log.js";
import { WatchedDrivers } from "./support/watched-drivers.js";

/** Default timeout of a case's stores, in milliseconds. Suits a busy machine. */
const patientTimeout = 30_000;

/** Options of a client that a case opens. */
export interface ClientOptions {
  /** Options of the store. They override the harness's `options`. */
  readonly store?: StoreOptions;
  /** Wraps the driver, for example to count requests or make them fail. */
  readonly wrap?: (driver: Driver) => Driver;
  /** Maps each server to the address that the client connects to. Default: the server's own address. */
  readonly route?: Route;
}

/** Options of a bucket that a case opens with a new client. */
export interface BucketOptions extends ClientOptions {
  /** Name of the bucket. Default: a unique random name. */
  readonly name?: string;
}

/**
 * Opens drivers, stores, buckets and proxies for one case. When the case ends, the suite deletes every key that the
 * case wrote and closes everything that the case opened.
 */
export class CaseContext {
  /** The harness of the backend under test. */
  readonly harness: ConformanceHarness;
  /** Seed of the random calls and faults in this case. */
  readonly seed: number;
  readonly #closing: (() => Promise<void>)[] = [];
  readonly #drivers = new WatchedDrivers();
  #ended = false;

  constructor(harness: ConformanceHarness, seed: number) {
    this.harness = harness;
    this.seed = seed;
  }

  /** The last requests of the case, the last errors of its drivers, and the injected faults. */
  get log(): RequestLog {
    return this.#drivers.log;
  }

  /** Returns a unique bucket name that ends in `suffix`. */
  bucketName(suffix = ""): string {
    return randomName() + suffix;
  }

  /**
   * Creates a driver with the harness's `driver` function and `route`. By default, the driver connects to the servers
   * directly. The suite closes the driver when the case ends.
   */
  async driver(route: Route = (server) => server): Promise<Driver> {
    const driver = await this.harness.driver(route);
    if (!this.#ended) return this.track(driver);
    await driver.close();
    throw new Error("the case has ended");
  }

  /** Makes the suite log the requests of `driver`, and close it when the case ends. */
  track(driver: Driver): Driver {
    return this.#drivers.watch(driver);
  }

  /** Creates a store with a new driver. The suite closes the store when the case ends. */
  async store(options: ClientOptions = {}): Promise<Store> {
    const driver = await this.driver(options.route);
    return this.storeOf(options.wrap?.(driver) ?? driver, options.store);
  }

  /** Creates a store on top of a driver. The suite closes the store when the case ends. */
  storeOf(driver: Driver, options: StoreOptions = {}): Store {
    const create = this.harness.createStore ?? createStore;
    const store = create(driver, { timeout: patientTimeout, ...this.harness.options, ...options });
    this.onClose(() => store.close());
    return store;
  }

  /**
   * Opens a bucket with a new client. The bucket is empty unless the case has already written to a bucket of this
   * `name`.
   */
  async bucket(options: BucketOptions = {}): Promise<Bucket> {
    const store = await this.store(options);
    return store.open(options.name ?? this.bucketName());
  }

  /**
   * Starts a proxy in front of each server of the harness. To connect a client through the proxies, pass the `route` of
   * the returned set to the client.
   */
  async proxies(): Promise<ProxySet> {
    const proxies = await ProxySet.start(this.harness.servers ?? []);
    proxies.onFault = (what) => this.log.fault(what);
    this.onClose(() => proxies[Symbol.asyncDispose]());
    return proxies;
  }

  /**
   * Throws an error that skips the case. A case calls this method if the case does not apply to the backend. The suite
   * prints the reason.
   */
  skip(reason: string): never {
    throw new SkipCase("not-applicable", reason);
  }

  /** Registers a function that runs when the case ends. The functions run in reverse order of registration. */
  onClose(close: () => Promise<void>): void {
    if (this.#ended) void close().catch(() => {});
    else this.#closing.push(close);
  }

  /** Makes everything that the case still does fail: the case failed, was cancelled or took too long. */
  end(): void {
    this.#ended = true;
    this.#drivers.end();
  }

  /**
   * Deletes every key that the case wrote and closes everything that the case opened. If a step fails, runs the others
   * and then rejects with the first error.
   */
  async close(): Promise<void> {
    const errors: unknown[] = [];
    const run = (step: () => Promise<void>): Promise<unknown> => step().catch((error) => errors.push(error));
    await run(() => this.#deleteWritten());
    for (const close of this.#closing.splice(0).reverse()) await run(async () => close());
    await run(() => this.#drivers.close());
    if (errors.length > 0) throw errors[0];
  }

  async #deleteWritten(): Promise<void> {
    const { written } = this.#drivers;
    if (written.size === 0) return;
    const driver = this.track(await this.harness.driver((server) => server));
    const store = createStore(driver, { timeout: 60_000 });
    const buckets = [...written];
    const worker = async (): Promise<void> => {
      for (let next = buckets.pop(); next; next = buckets.pop()) await (await store.open(next[0])).deleteMany(next[1]);
    };
    try {
      await Promise.all(Array.from({ length: 8 }, worker));
    } finally {
      await store.close();
    }
  }
}
