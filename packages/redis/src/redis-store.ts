import { createStore, type Store, StoreError } from "@manykv/core";
import { checkOptions, type Driver, FaultError, type ServerAddress } from "@manykv/core/driver";
import type { Cluster, Redis, RedisOptions } from "ioredis";
import { accessByClient, accessByUrl } from "./cluster/cluster-access.js";
import { ClusterDriver } from "./cluster/cluster-driver.js";
import { Topology } from "./cluster/topology.js";
import type { Identity } from "./connection/identity.js";
import { clusterNode, type Login, loginOf } from "./connection/log-in.js";
import { NodeConnection } from "./connection/node-connection.js";
import { type ConnectionSource, connectOnly, createClient } from "./connection/open-socket.js";
import { checkClient, checkConnectTimeout, type RedisDriverOptions, type RedisStoreOptions } from "./redis-options.js";
import { parseRedisUrl, type RedisUrl } from "./redis-url.js";
import { StandaloneDriver } from "./standalone-driver.js";

/**
 * Creates a store on a Redis server or a Redis Cluster.
 *
 * ```ts
 * const store = redisStore({ url: "redis://localhost:6379" });
 * ```
 *
 * Sends nothing: the first call connects. A key has at most 1,024 bytes of UTF-8, and a value at most 64 MiB.
 *
 * @throws {StoreError} `invalid-argument` if the URL or an option is invalid
 */
export function redisStore(options: RedisStoreOptions): Store {
  checkObject(options);
  const { url, client, connectTimeout, ...storeOptions } = options;
  return createStore(redisDriver({ url, client, connectTimeout }), storeOptions);
}

/**
 * Creates the driver that {@link redisStore} uses, for `createStore` and for tools that wrap drivers.
 *
 * @throws {StoreError} `invalid-argument` if the URL or an option is invalid
 */
export function redisDriver(options: RedisDriverOptions): Driver {
  checkObject(options);
  checkOptions(options, ["url", "client", "connectTimeout"]);
  const { url, client } = options;
  const connectTimeout = checkConnectTimeout(options.connectTimeout);
  if ((url === undefined) === (client === undefined))
    throw new StoreError("invalid-argument", "pass either `url` or `client`, not both");
  if (client !== undefined) return driverOfClient(checkClient(client), connectTimeout);
  return driverOfUrl(parseRedisUrl(url), connectTimeout);
}

function checkObject(options: unknown): void {
  if (typeof options === "object" && options !== null) return;
  throw new StoreError("invalid-argument", "the options must be an object: pass { url } or { client }");
}

function driverOfUrl(url: RedisUrl, connectTimeout: number): Driver {
  const { addresses, cluster, database, username, password, tls } = url;
  const [{ host, port }] = addresses;
  const server = { address: host, port };
  const options: RedisOptions = tls ? { tls: {} } : {};
  const credentials =
    password === undefined && username === undefined ? undefined : async () => ({ username, password: password ?? "" });
  const login: Login = { credentials, database };
  if (cluster) return new ClusterDriver(new Topology(accessByUrl(addresses, options, login, connectTimeout)), server);
  const source = { ...login, createClient: () => createClient({ ...options, host, port }) };
  return standalone(source, connectTimeout, server);
}

function driverOfClient(client: Redis | Cluster, connectTimeout: number): Driver {
  if (isCluster(client)) return new ClusterDriver(new Topology(accessByClient(client, connectTimeout)), undefined);
  const { host, port, path, sentinels } = client.options;
  const server = sentinels || path || host === undefined ? undefined : { address: host, port };
  const source = { ...loginOf(() => client.options), createClient: async () => client.duplicate(connectOnly) };
  return standalone(source, connectTimeout, server);
}

function standalone(source: ConnectionSource, connectTimeout: number, server: ServerAddress | undefined): Driver {
  return new StandaloneDriver(new NodeConnection({ source, connectTimeout, check: checkStandalone }), server);
}

/** Returns whether a client is a `Cluster`. Does not use `instanceof`: a program may load several copies of ioredis. */
function isCluster(client: Redis | Cluster): client is Cluster {
  return client.isCluster;
}

/** Throws a {@link FaultError} if the server reports that it is a cluster node or is not a master. */
function checkStandalone({ clustered, role }: Identity): void {
  if (clustered) throw new FaultError(clusterNode);
  // A replica may return stale data. A retry may succeed, because a failover can make the replica the master.
  if (role === "other")
    throw new FaultError({ code: "unavailable", retryable: true, effect: "none", reason: "READONLY" });
}
