import { checkBucketName } from "./bucket-name.js";
import type { Driver } from "./driver.js";
import { EngineBucket } from "./engine-bucket.js";
import { ask } from "./execution/ask.js";
import { Engine } from "./execution/engine.js";
import { Session } from "./session.js";
import type { Bucket, Store } from "./store.js";
import { StoreError } from "./store-error.js";
import { type StoreOptions, settle } from "./store-options.js";

/**
 * Makes a store of a driver.
 *
 * ```ts
 * const store = createStore(memoryDriver(), { limits: portableLimits });
 * ```
 *
 * @throws {StoreError} `invalid-argument`, naming the option that is out of range.
 */
export function createStore(driver: Driver, options: StoreOptions = {}): Store {
  const settings = settle(driver, options);
  return new EngineStore(new Session(new Engine(driver, settings.retry, settings.concurrency), settings));
}

class EngineStore implements Store {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async open(identifier: string): Promise<Bucket> {
    this.#session.checkOpen();
    const name = checkBucketName(identifier, "no-such-store");
    const { buckets } = this.#session.settings;
    if (buckets !== undefined && !buckets.has(name)) {
      throw new StoreError(
        "no-such-store",
        `the store does not serve a bucket "${name}"; its \`buckets\` option says which`,
      );
    }
    return new EngineBucket(this.#session, name);
  }

  provision(): Promise<void> {
    const { engine } = this.#session;
    return this.#session.read("provision", "", { timeout: provisionTimeout }, (call) =>
      ask(engine, call, "provision", async (request) => engine.driver.provision?.(request)),
    );
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Creating a table takes a cloud service a minute at times. In milliseconds. */
const provisionTimeout = 180_000;
