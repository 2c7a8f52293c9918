import { StoreError, type StoreOptions } from "@manykv/core";
import type { Cluster, Redis } from "ioredis";
import { checkIoredisClient, type IoredisClient, isIoredisClient } from "./clients/ioredis-client.js";
import {
  isNodeRedisClient,
  type NodeRedisClient,
  type ReadableClient,
  readableClient,
} from "./clients/node-redis-client.js";
import type { RedisCredentials } from "./connection/credentials.js";
import type { RedisTlsOptions } from "./tls.js";

/** How to connect to Redis. Pass exactly one of `url`, `client` and `nodeRedis`. */
export interface RedisDriverOptions {
  /**
   * `redis://USER:PASSWORD@HOST:PORT/DATABASE` for one server,
   * `redis+cluster://USER:PASSWORD@HOST:PORT,HOST:PORT` for a cluster,
   * `redis+sentinel://USER:PASSWORD@HOST:PORT,HOST:PORT/SERVICE/DATABASE` for the master that sentinels know, or
   * `redis+unix://USER:PASSWORD@/PATH?db=DATABASE` for a Unix socket.
   *
   * For TLS, write `rediss` instead of `redis`. `valkey` and `valkeys` are aliases. The default port is 6379, for
   * sentinels 26379, and the default database is 0. Percent-encode the user and the password. Parameters: with TLS,
   * `tls_ca`, `tls_cert`, `tls_key` (paths of PEM files) and `tls_server_name`; for sentinels, `sentinel_username` and
   * `sentinel_password`.
   */
  readonly url?: string | undefined;
  /**
   * A `Redis` or `Cluster` of ioredis 5, ioredis 6 or iovalkey. The store uses the client's settings to open its own
   * connections. It does not send commands over the client's connections and does not close the client. To find the
   * nodes of a cluster, the first call connects a `Cluster` that is not connected yet.
   */
  readonly client?: IoredisClient | undefined;
  /**
   * A client or cluster client of node-redis 5 or 6, the package `redis`. The store uses the client's settings to open
   * its own connections, which requires ioredis. It does not connect, use or close the client.
   */
  readonly nodeRedis?: NodeRedisClient | undefined;
  /**
   * Returns the user and the password, such as a token that expires. The store calls it for every connection to a
   * server, reconnects included. It must settle within `connectTimeout`. If it rejects, manykv retries the call, which
   * fails with `unavailable` if no attempt succeeds. If it returns anything else, the call fails with
   * `invalid-argument`. Default: the user and password of the URL or the client.
   */
  readonly credentials?: (() => Promise<RedisCredentials>) | undefined;
  /**
   * Like `credentials`, for connections to sentinels. Only with sentinels. Default: those of the URL or the client, or
   * none.
   */
  readonly sentinelCredentials?: (() => Promise<RedisCredentials>) | undefined;
  /**
   * Options of `tls.connect`. Pass them only with a URL with TLS, whose parameters take precedence. `servername` is the
   * name that the certificate of each server must have, for example if a cluster announces its nodes by IP address.
   * Default: Node.js verifies that the certificate names the host of the connection and comes from an authority that
   * Node.js trusts.
   */
  readonly tls?: RedisTlsOptions | undefined;
  /**
   * Longest time to find the master, open a connection and authenticate, in milliseconds. A number greater than 0; more
   * than 2,147,483,647 counts as 2,147,483,647. Default: 3,000.
   */
  readonly connectTimeout?: number | undefined;
}

/** The options of `redisStore`. */
export interface RedisStoreOptions extends RedisDriverOptions, StoreOptions {}

const optionNames: { readonly [Name in keyof RedisDriverOptions]-?: true } = {
  url: true,
  client: true,
  nodeRedis: true,
  credentials: true,
  sentinelCredentials: true,
  tls: true,
  connectTimeout: true,
};

export const driverOptionNames: readonly string[] = Object.keys(optionNames);

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

/** Throws `invalid-argument` unless the option is absent or a function. */
export function checkFunction(name: "credentials" | "sentinelCredentials", value: unknown): void {
  if (value === undefined || typeof value === "function") return;
  throw new StoreError(
    "invalid-argument",
    `\`${name}\` must be a function that returns a promise of { username?, password }`,
  );
}

/** Returns the option `client`. Throws `invalid-argument` if the store cannot take over its settings. */
export function checkClient(client: unknown): Redis | Cluster {
  if (inspects(() => isIoredisClient(client))) {
    checkIoredisClient(client as Redis | Cluster);
    return client as Redis | Cluster;
  }
  if (inspects(() => isNodeRedisClient(client)))
    throw new StoreError(
      "invalid-argument",
      "`client` is a client of node-redis: pass it as `nodeRedis`, because the store uses only its settings",
    );
  throw new StoreError(
    "invalid-argument",
    "`client` must be a Redis or Cluster of ioredis 5 or 6 or of iovalkey. Pass a client of node-redis as `nodeRedis`. With another library, pass `url`",
  );
}

/** Returns the option `nodeRedis`. Throws `invalid-argument` if the store cannot take over its settings. */
export function checkNodeRedis(client: unknown): ReadableClient {
  if (inspects(() => isNodeRedisClient(client))) return readableClient(client as NodeRedisClient);
  throw new StoreError(
    "invalid-argument",
    "`nodeRedis` must be a client or cluster client of node-redis 5 or 6. Pass a client of ioredis as `client`",
  );
}

/** Returns the result of a check, or `false` if the inspected object throws, as a wrapped client may do. */
function inspects(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}
