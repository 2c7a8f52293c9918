import { Call, DeadlineTimer, SharedAbortListeners } from "./call/call.js";
import { pagesOf } from "./call/pages.js";
import { control } from "./call/read.js";
import { Slots } from "./call/slots.js";
import { CoalescingBucket } from "./coalescing-bucket.js";
import type { BucketsAnswer, Driver, DriverDescription } from "./driver.js";
import { DriverBucket } from "./driver-bucket.js";
import { StoreError } from "./errors.js";
import {
  checkAbility,
  checkBucketName,
  checkCallOptions,
  checkOptions,
  isBucketName,
  type ResolvedOptions,
  resolveOptions,
  type StoreOptions,
} from "./options.js";
import type { Bucket, CallOptions, OpenOptions, Store, StoreDescription } from "./store.js";
import { openTracing } from "./tracing.js";

/**
 * Creates a store that uses the given driver.
 *
 * @throws {StoreError} `invalid-argument` if an option is unknown or invalid. The message names the option.
 */
export function createStore(driver: Driver, options: StoreOptions = {}): Store {
  return new DriverStore(new StoreCore(driver, resolveOptions(driver, options)));
}

const openOptionNames = ["coalesce"];

/** Timeout of `provision()`, in milliseconds. A cloud service may take a minute to create a table. */
const provisionTimeout = 180_000;

class DriverStore implements Store {
  readonly #core: StoreCore;

  constructor(core: StoreCore) {
    this.#core = core;
  }

  async open(name: string, options: OpenOptions = {}): Promise<Bucket> {
    this.#core.checkOpen();
    const { coalesce = false } = checkOptions(options, openOptionNames);
    if (typeof coalesce !== "boolean") throw new StoreError("invalid-argument", "`coalesce` must be true or false");
    checkBucketName(name, "no-such-store");
    const { buckets } = this.#core.options;
    if (buckets !== undefined && !buckets.has(name)) {
      throw new StoreError("no-such-store", `bucket "${name}" is not in the store's \`buckets\` option: add it there`);
    }
    return coalesce ? new CoalescingBucket(this.#core, name) : new DriverBucket(this.#core, name);
  }

  provision(): Promise<void> {
    const call = new Call(this.#core, "provision", "");
    return call.run({ timeout: provisionTimeout }, async () => {
      if (this.#core.driver.provision !== undefined) await control(call, "provision");
    });
  }

  describe(options?: CallOptions): Promise<StoreDescription> {
    const call = new Call(this.#core, "describe", "");
    return call.run(options, async () => {
      const { driver, options: resolved } = this.#core;
      const found: Partial<DriverDescription> = driver.describe ? await control(call, "describe") : {};
      // Some drivers know the server only after their first request.
      const { name, server } = driver;
      const { product, version, topology, table, settlesLostWrites, findings = [] } = found;
      const { limits } = resolved;
      // A server or table may lack an ability although the driver has the method. Without the method, no server has it.
      const {
        ttl = true,
        ifAbsent = true,
        increment = true,
        compareAndSwap = true,
        buckets = true,
      } = found.abilities ?? {};
      const abilities = {
        settlesLostWrites,
        ttl: ttl && driver.ttl !== undefined,
        ifAbsent: ifAbsent && driver.setIfAbsent !== undefined,
        increment: increment && driver.increment !== undefined,
        compareAndSwap: compareAndSwap && driver.compareAndSwap !== undefined,
        buckets: buckets && driver.listBuckets !== undefined,
      };
      return { driver: name, server, product, version, topology, table, abilities, limits, findings };
    });
  }

  async *buckets(options?: CallOptions): AsyncGenerator<string, void, undefined> {
    this.#core.checkOpen();
    checkAbility(this.#core.driver, "listBuckets");
    const checked = options === undefined ? undefined : checkCallOptions(options);
    const fetchPage = (cursor: string | undefined): Promise<BucketsAnswer> => {
      const call = new Call(this.#core, "buckets", "");
      return call.run(checked, () => control(call, "listBuckets", { cursor }));
    };
    const seen = new Set<string>();
    for await (const { buckets } of pagesOf(fetchPage)) {
      for (const name of buckets) {
        // Other programs may have stored names that are not valid in manykv.
        if (seen.has(name) || !isBucketName(name) || this.#core.options.buckets?.has(name) === false) continue;
        seen.add(name);
        yield name;
      }
    }
  }

  sweep(options?: CallOptions): Promise<number> {
    const call = new Call(this.#core, "sweep", "");
    return call.run(options, async () => {
      let total = 0;
      if (this.#core.driver.sweep === undefined) return total;
      for (;;) {
        const { swept, done } = await control(call, "sweep");
        total += swept;
        if (done) return total;
      }
    });
  }

  close(): Promise<void> {
    return this.#core.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The state that a store shares with its buckets. */
export class StoreCore {
  readonly driver: Driver;
  readonly options: ResolvedOptions;
  /** Limits the requests in flight. `undefined` without the option `storeConcurrency`. */
  readonly slots: Slots | undefined;
  readonly timer: DeadlineTimer = new DeadlineTimer();
  readonly abortListeners: SharedAbortListeners = new SharedAbortListeners();
  readonly callTracing: ReturnType<typeof openTracing> = openTracing("manykv:call");
  readonly attemptTracing: ReturnType<typeof openTracing> = openTracing("manykv:attempt");
  readonly fenceTracing: ReturnType<typeof openTracing> = openTracing("manykv:fence");
  /** Functions that `close()` calls first. Each function sends the calls of one bucket that wait for a batch. */
  readonly beforeClose: Set<() => void> = new Set();
  /** Differs from those of other stores, even if they use another copy of this package. */
  readonly #id = Math.random().toString(36).slice(2);
  #calls = 0;
  #inFlight = 0;
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;

  constructor(driver: Driver, options: ResolvedOptions) {
    this.driver = driver;
    this.options = options;
    if (options.storeConcurrency < Infinity) this.slots = new Slots(options.storeConcurrency);
  }

  /** Throws a {@link StoreError} with code `closed` if `close()` was called. */
  checkOpen(): void {
    if (this.#closing !== undefined) throw new StoreError("closed", "the store was closed: create a new store");
  }

  /** Returns an id for the tracing events of a call. */
  newCallId(): string {
    return `${this.#id}-${++this.#calls}`;
  }

  /** Registers a call. `close()` waits until `leave()` has been called for every registered call. */
  enter(): void {
    this.#inFlight++;
  }

  leave(): void {
    if (--this.#inFlight === 0) this.#drained?.();
  }

  /** Sends the calls that wait for a batch, waits for all calls in flight, then closes the driver. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const flush of [...this.beforeClose]) flush();
    const drained = new Promise<void>((resolve) => {
      this.#drained = resolve;
    });
    if (this.#inFlight > 0) await drained;
    this.timer.stop();
    await this.driver.close();
  }
}
