import { createStore, type Store } from "@manykv/core";
import { redisDriver } from "./redis-driver.js";
import type { RedisStoreOptions } from "./redis-options.js";

/**
 * A store on Redis or a Redis Cluster.
 *
 * ```ts
 * const store = redisStore({ url: "redis://localhost:6379" });
 * ```
 *
 * Sends nothing: the first call connects. Limits: keys of 1,024 bytes of UTF-8, values of 64 MiB.
 *
 * @throws {StoreError} `invalid-argument` for options or a URL that it does not take
 */
export function redisStore(options: RedisStoreOptions): Store {
  return createStore(redisDriver(options), options);
}
