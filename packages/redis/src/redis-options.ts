import { StoreError, type StoreOptions } from "@manykv/core";
import type { Cluster, Redis } from "ioredis";

/** Options that say how to connect. Pass either `url` or `client`. */
export interface RedisDriverOptions {
  /**
   * `redis://USER:PASSWORD@HOST:PORT/DATABASE` for one server, `redis+cluster://USER:PASSWORD@HOST:PORT,HOST:PORT` for a
   * cluster, `rediss` instead of `redis` for TLS. Default port 6379, default database 0. User and password are
   * percent-encoded.
   */
  readonly url?: string | undefined;
  /**
   * An ioredis 6 client without `keyPrefix`, whose connection settings the store uses. The store opens its own
   * connections: it sends nothing over the client's and leaves the client open.
   */
  readonly client?: Redis | Cluster | undefined;
  /** Time to open a connection, in milliseconds. Default 3,000. */
  readonly connectTimeout?: number | undefined;
}

/** Options of `redisStore`. */
export interface RedisStoreOptions extends RedisDriverOptions, StoreOptions {}

const defaultConnectTimeout = 3_000;
/** The longest delay of a Node timer, in milliseconds. */
const longestDelay = 2 ** 31 - 1;

/** @throws {StoreError} `invalid-argument` unless it is a number above 0 */
export function checkConnectTimeout(time: unknown = defaultConnectTimeout): number {
  if (typeof time === "number" && time > 0) return Math.min(time, longestDelay);
  throw new StoreError(
    "invalid-argument",
    "`connectTimeout` must be a number of milliseconds greater than 0, such as 3000",
  );
}

/** @throws {StoreError} `invalid-argument` if it is not a client, or has a `keyPrefix` */
export function checkClient(client: unknown): Redis | Cluster {
  const { options, duplicate } = (client ?? {}) as Partial<Redis>;
  if (typeof duplicate !== "function" || typeof options !== "object")
    throw new StoreError("invalid-argument", "client is not a Redis or Cluster of ioredis 6: pass one");
  if (options.keyPrefix)
    throw new StoreError(
      "invalid-argument",
      "client has a keyPrefix, which manykv does not apply: pass a client without one, because buckets already separate keys",
    );
  return client as Redis | Cluster;
}
