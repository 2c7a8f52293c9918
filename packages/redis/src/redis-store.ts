import { createStore, type Store, StoreError } from "@manykv/core";
import { checkOptions, type Driver, type ServerAddress } from "@manykv/core/driver";
import type { Cluster, Redis, RedisOptions } from "ioredis";
import { checkMaster } from "./check-server.js";
import {
  hasSentinels,
  isIoredisCluster,
  nodesOfCluster,
  sentinelServiceOf,
  sourceOfRedis,
} from "./clients/ioredis-client.js";
import {
  isNodeRedisCluster,
  nodesOfNodeRedisCluster,
  type ReadableClient,
  sourceOfNodeRedis,
} from "./clients/node-redis-client.js";
import { type ClusterNodes, clusterAccess } from "./cluster/cluster-access.js";
import { ClusterDriver } from "./cluster/cluster-driver.js";
import { Topology } from "./cluster/topology.js";
import { type CredentialsSource, sourceOf } from "./connection/credentials.js";
import { Lifetime } from "./connection/lifetime.js";
import { NodeConnection } from "./connection/node-connection.js";
import { type ConnectionSource, createClient } from "./connection/open-socket.js";
import {
  checkClient,
  checkConnectTimeout,
  checkFunction,
  checkNodeRedis,
  driverOptionNames,
  type RedisDriverOptions,
  type RedisStoreOptions,
} from "./redis-options.js";
import { type Address, parseRedisUrl, type RedisUrl } from "./redis-url.js";
import { type SentinelService, SentinelSource } from "./sentinel/sentinel-source.js";
import { StandaloneDriver } from "./standalone-driver.js";
import { checkTls, checkTlsOptions, currentTlsOptions, type RedisTlsOptions } from "./tls.js";

/**
 * Creates a store on a Redis server, on the master that sentinels know, or on a Redis Cluster.
 *
 * ```ts
 * const store = redisStore({ url: "redis://localhost:6379" });
 * ```
 *
 * Sends nothing: the first call connects. A key has at most 1,024 bytes of UTF-8, and a value at most 64 MiB.
 *
 * @throws {StoreError} `invalid-argument` if the URL, a file that it names, an option or the client is invalid
 */
export function redisStore(options: RedisStoreOptions): Store {
  checkObject(options);
  const { url, client, nodeRedis, credentials, sentinelCredentials, tls, connectTimeout, ...storeOptions } = options;
  const driver = redisDriver({ url, client, nodeRedis, credentials, sentinelCredentials, tls, connectTimeout });
  return createStore(driver, storeOptions);
}

/**
 * Creates the driver that {@link redisStore} uses, for `createStore` and for tools that wrap drivers.
 *
 * @throws {StoreError} `invalid-argument` if the URL, a file that it names, an option or the client is invalid
 */
export function redisDriver(options: RedisDriverOptions): Driver {
  checkObject(options);
  const checked = checkOptions(options, driverOptionNames);
  const { url, client, nodeRedis, credentials, sentinelCredentials } = checked;
  const connectTimeout = checkConnectTimeout(checked.connectTimeout);
  const tls = checkTlsOptions(checked.tls);
  checkFunction("credentials", credentials);
  checkFunction("sentinelCredentials", sentinelCredentials);
  if ([url, client, nodeRedis].filter((each) => each !== undefined).length !== 1)
    throw new StoreError("invalid-argument", "pass exactly one of `url`, `client` and `nodeRedis`");
  if (tls !== undefined && url === undefined)
    throw new StoreError("invalid-argument", "pass `tls` only with `url`: the client has its own TLS settings");
  const sources: CredentialsSources = {
    server: credentials && sourceOf(credentials, "credentials"),
    sentinel: sentinelCredentials && sourceOf(sentinelCredentials, "sentinelCredentials"),
  };
  const target = targetOf(checked, tls, sources);
  if (sentinelCredentials !== undefined && !("sentinels" in target))
    throw new StoreError("invalid-argument", "pass `sentinelCredentials` only with sentinels: use redis+sentinel://");
  return driverOf(target, connectTimeout);
}

function targetOf(
  { url, client, nodeRedis }: RedisDriverOptions,
  tls: RedisTlsOptions | undefined,
  sources: CredentialsSources,
): Target {
  if (client !== undefined) return targetOfIoredis(checkClient(client), sources);
  if (nodeRedis !== undefined) return targetOfNodeRedis(checkNodeRedis(nodeRedis), sources);
  return targetOfUrl(parseRedisUrl(url), tls, sources);
}

function checkObject(options: unknown): void {
  if (typeof options === "object" && options !== null) return;
  throw new StoreError("invalid-argument", "the options must be an object: pass { url }");
}

/** The functions of the options. Each replaces the credentials of the URL or the client. */
interface CredentialsSources {
  readonly server: CredentialsSource | undefined;
  readonly sentinel: CredentialsSource | undefined;
}

/** Where the store connects, by URL or client. */
type Target = { readonly server?: ServerAddress | undefined } & (
  | { readonly source: ConnectionSource }
  | { readonly sentinels: SentinelService }
  | { readonly nodes: ClusterNodes }
);

function targetOfUrl(url: RedisUrl, tls: RedisTlsOptions | undefined, sources: CredentialsSources): Target {
  const { topology, addresses, path = "", database, service = "" } = url;
  const credentials = sources.server ?? fixed(url.credentials);
  const login = { credentials, database };
  const connect = connector(url, tls);
  switch (topology) {
    case "unix":
      return { source: { ...login, createClient: () => connect({ path }) }, server: { address: path } };
    case "cluster": {
      const source = (address: Address): ConnectionSource => ({ ...login, createClient: () => connect(address) });
      const nodes = { seeds: async () => addresses, source, translate: (address: Address) => address };
      return { nodes, server: serverAddress(addresses[0]?.host, addresses[0]?.port) };
    }
    case "sentinel": {
      const sentinel = { credentials: sources.sentinel ?? fixed(url.sentinelCredentials), database: 0 };
      const source = (address: Address): ConnectionSource => ({ ...sentinel, createClient: () => connect(address) });
      const translate = (address: Address): Address => address;
      return { sentinels: { addresses, service, source, translate, login, createClient: connect } };
    }
    default:
      return {
        source: { ...login, createClient: () => connect({ ...addresses[0] }) },
        server: serverAddress(addresses[0]?.host, addresses[0]?.port),
      };
  }
}

function fixed(credentials: RedisUrl["credentials"]): CredentialsSource | undefined {
  return credentials && (async () => credentials);
}

function serverAddress(host = "localhost", port = 6379, path?: string | null): ServerAddress {
  return path ? { address: path } : { address: host, port };
}

/** Returns a function that creates a client for an address or a path, with TLS if the URL has it. */
function connector(url: RedisUrl, tls: RedisTlsOptions | undefined): (address: RedisOptions) => Promise<Redis> {
  const { tls: files } = url;
  if (files === undefined) {
    if (tls !== undefined)
      throw new StoreError("invalid-argument", "`tls` requires a URL with TLS: use rediss:// instead of redis://");
    return (address) => createClient({ ...address });
  }
  checkTls(files, tls);
  return async (address) => createClient({ ...address, tls: { ...tls, ...currentTlsOptions(files) } });
}

function targetOfIoredis(client: Redis | Cluster, { server, sentinel }: CredentialsSources): Target {
  if (isIoredisCluster(client)) return { nodes: nodesOfCluster(client, server) };
  if (hasSentinels(client)) return { sentinels: sentinelServiceOf(client, server, sentinel) };
  const { host, port, path, Connector } = client.options;
  return { source: sourceOfRedis(client, server), server: Connector ? undefined : serverAddress(host, port, path) };
}

function targetOfNodeRedis(client: ReadableClient, { server }: CredentialsSources): Target {
  if (isNodeRedisCluster(client)) return { nodes: nodesOfNodeRedisCluster(client, server) };
  const { host, port, path } = client.options.socket ?? {};
  return { source: sourceOfNodeRedis(client, server), server: serverAddress(host, port, path) };
}

function driverOf(target: Target, connectTimeout: number): Driver {
  if ("nodes" in target)
    return new ClusterDriver(new Topology(clusterAccess(target.nodes, connectTimeout)), target.server);
  const lifetime = new Lifetime();
  if ("source" in target) {
    const node = new NodeConnection({ source: target.source, connectTimeout, lifetime, check: checkMaster });
    return new StandaloneDriver(node, target.server);
  }
  const source = new SentinelSource(target.sentinels, connectTimeout, lifetime);
  const node = new NodeConnection({ source, connectTimeout, lifetime, check: checkMaster });
  source.onSwitch = () => node.drop();
  return new StandaloneDriver(node, target.server, source);
}
