import { type Driver, StoreError } from "@manykv/core";
import type { Cluster, Redis, RedisOptions } from "ioredis";
import { accessByClient, accessByUrl } from "./cluster/cluster-access.js";
import { ClusterDriver } from "./cluster/cluster-driver.js";
import { Topology } from "./cluster/topology.js";
import { ClientNode } from "./connection/client-node.js";
import type { Identity } from "./connection/identity.js";
import { OwnNode } from "./connection/own-node.js";
import { FaultError } from "./fault-error.js";
import { checkClient, checkConnectTimeout, type RedisStoreOptions } from "./redis-options.js";
import { parseRedisUrl, type RedisUrl } from "./redis-url.js";
import { ReplicaWait } from "./replica-wait.js";
import { StandaloneDriver } from "./standalone/standalone-driver.js";

/**
 * The driver of `redisStore`. Sends nothing before its first request.
 *
 * @throws {StoreError} `invalid-argument` for options or a URL that it does not take
 */
export function redisDriver(options: RedisStoreOptions): Driver {
  if (typeof options !== "object" || options === null) {
    throw new StoreError("invalid-argument", "the options are not an object: pass { url } or { client }");
  }
  const { url, client, wait } = options;
  const settings: Settings = {
    connectTimeout: checkConnectTimeout(options.connectTimeout),
    wait: wait === undefined ? undefined : new ReplicaWait(wait),
  };
  if ((url === undefined) === (client === undefined)) {
    throw new StoreError("invalid-argument", "pass either url or client");
  }
  if (client !== undefined) return driverOfClient(checkClient(client), settings);
  return driverOfUrl(parseRedisUrl(url), settings);
}

interface Settings {
  readonly connectTimeout: number;
  readonly wait: ReplicaWait | undefined;
}

function driverOfUrl(url: RedisUrl, { connectTimeout, wait }: Settings): Driver {
  const { addresses, cluster, database, username, password, tls } = url;
  const options: RedisOptions = {
    db: database,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
  };
  if (cluster) return new ClusterDriver(new Topology(accessByUrl(addresses, options, connectTimeout)), wait);
  const [address] = addresses;
  const open = (): OwnNode => new OwnNode({ ...options, ...address }, connectTimeout, checkStandalone);
  const node = open();
  return new StandaloneDriver(node, wait === undefined ? node : open(), wait);
}

function driverOfClient(client: Redis | Cluster, { connectTimeout, wait }: Settings): Driver {
  if (isCluster(client)) return new ClusterDriver(new Topology(accessByClient(client, connectTimeout)), wait);
  const node = new ClientNode(client, connectTimeout, checkStandalone);
  return new StandaloneDriver(node, node, wait);
}

/** Not by its class, of which there may be several copies. */
function isCluster(client: Redis | Cluster): client is Cluster {
  return client.isCluster;
}

/** @throws {FaultError} for a server that can't be used by itself */
function checkStandalone({ clustered, role }: Identity): void {
  if (clustered) throw new FaultError({ ...refusal, retryable: false, reason: "a node of a cluster" });
  // A replica's data is behind; it may become the master in a failover that is under way.
  if (role === "other") throw new FaultError({ ...refusal, retryable: true, reason: "READONLY" });
}

const refusal = { code: "unavailable", effect: "none" } as const;
