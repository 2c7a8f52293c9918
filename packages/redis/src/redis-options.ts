import { StoreError, type StoreOptions } from "@manykv/core";
import type { Cluster, Redis } from "ioredis";

/** How to connect to Redis. Pass either `url` or `client`. */
export interface RedisDriverOptions {
  /**
   * `redis://USER:PASSWORD@HOST:PORT/DATABASE` for one server, or `redis+cluster://USER:PASSWORD@HOST:PORT,HOST:PORT`
   * for a cluster. For TLS, write `rediss` instead of `redis`. The default port is 6379, and the default database is 0.
   * Percent-encode the user and the password.
   */
  readonly url?: string | undefined;
  /**
   * An ioredis 6 client without `keyPrefix`. The store uses the client's settings to open its own connections. It
   * does not send commands over the client's connections and does not close the client. To find the nodes of a
   * cluster, the first call connects a `Cluster` that is not connected yet.
   */
  readonly client?: Redis | Cluster | undefined;
  /** Longest time to open a connection and authenticate, in milliseconds. Must be above 0. Default: 3,000. */
  readonly connectTimeout?: number | undefined;
}

/** The options of `redisStore`. */
export interface RedisStoreOptions extends RedisDriverOptions, StoreOptions {}

const defaultConnectTimeout = 3_000;
/** The longest delay of a Node.js timer, in milliseconds. */
const longestDelay = 2 ** 31 - 1;

/** Returns the timeout, at most {@link longestDelay}. Throws `invalid-argument` unless it is a number above 0. */
export function checkConnectTimeout(time: unknown = defaultConnectTimeout): number {
  if (typeof time === "number" && time > 0) return Math.min(time, longestDelay);
  throw new StoreError(
    "invalid-argument",
    "`connectTimeout` must be a number of milliseconds greater than 0, such as 3000",
  );
}

/** Returns the client. Throws `invalid-argument` if it is not an ioredis client or has a `keyPrefix`. */
export function checkClient(client: unknown): Redis | Cluster {
  const { options, duplicate } = (client ?? {}) as Partial<Redis>;
  if (typeof duplicate !== "function" || typeof options !== "object")
    throw new StoreError("invalid-argument", "`client` must be a Redis or Cluster client from ioredis 6");
  if (options.keyPrefix)
    throw new StoreError(
      "invalid-argument",
      "`client` must not have a `keyPrefix`: pass a client without one, because buckets already separate keys",
    );
  return client as Redis | Cluster;
}
