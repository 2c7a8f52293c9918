import { StoreError, type StoreOptions } from "@manykv/core";
import type { Cluster, Redis } from "ioredis";
import type { WaitOptions } from "./replica-wait.js";

/** Options of `redisStore`: either `url` or `client`. */
export interface RedisStoreOptions extends StoreOptions {
  /**
   * `redis://USER:PASSWORD@HOST:PORT/DATABASE` for one server, `redis+cluster://USER:PASSWORD@HOST:PORT,HOST:PORT` for a
   * cluster, `rediss` instead of `redis` for TLS. Default port 6379, default database 0. User and password are
   * percent-encoded.
   */
  readonly url?: string | undefined;
  /** A client of ioredis 6, connected or not, without `keyPrefix`. It stays open when the store is closed. */
  readonly client?: Redis | Cluster | undefined;
  /** Time to open a connection, in milliseconds. Default 3,000. */
  readonly connectTimeout?: number | undefined;
  /**
   * Writes count as done only when so many replicas have them. Default: when the master has. `WAIT` holds up whatever
   * comes behind it on its connection, so writes go over one of their own; over that of a `Redis` that is passed as
   * `client` they hold up its other users.
   */
  readonly wait?: WaitOptions | undefined;
}

const defaultConnectTimeout = 3_000;

/** @throws {StoreError} `invalid-argument` unless it is a number above 0. */
export function checkConnectTimeout(time: unknown = defaultConnectTimeout): number {
  if (typeof time === "number" && time > 0) return Math.min(time, 2 ** 31 - 1);
  throw new StoreError("invalid-argument", "connectTimeout is not a number of milliseconds above 0");
}

/** @throws {StoreError} `invalid-argument` where it is no client, or one with a `keyPrefix`. */
export function checkClient(client: unknown): Redis | Cluster {
  const { options, sendCommand } = (client ?? {}) as Partial<Redis>;
  if (typeof sendCommand !== "function" || typeof options !== "object") {
    throw new StoreError("invalid-argument", "client is not a Redis or Cluster of ioredis 6");
  }
  if (options.keyPrefix) {
    throw new StoreError(
      "invalid-argument",
      "client has a keyPrefix, which manykv would not add: pass a client without one, as buckets separate keys already",
    );
  }
  return client as Redis | Cluster;
}
