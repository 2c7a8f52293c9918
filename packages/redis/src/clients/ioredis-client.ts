import { StoreError } from "@manykv/core";
import { type Fault, FaultError } from "@manykv/core/driver";
import type { Cluster, ClusterOptions, Redis, RedisOptions } from "ioredis";
import { type ClusterNodes, singleServer } from "../cluster/cluster-access.js";
import { keyOfAddress } from "../cluster/node-address.js";
import type { CredentialsSource } from "../connection/credentials.js";
import type { Login } from "../connection/log-in.js";
import { type ConnectionSource, connectOnly } from "../connection/open-socket.js";
import { faultOfReply } from "../error-table.js";
import type { Address } from "../redis-url.js";
import type { SentinelService } from "../sentinel/sentinel-source.js";
import { guardConnector } from "./guarded-connector.js";

/** The part of a `Redis` or `Cluster` of ioredis 5, ioredis 6 or iovalkey that the store requires. */
export interface IoredisClient {
  readonly isCluster: boolean;
  readonly status: string;
  readonly options: object;
}

const defaultPort = 6379;
const defaultSentinelPort = 26_379;

/**
 * Returns whether a value is a `Redis` or `Cluster` of ioredis or iovalkey. Does not use `instanceof`: a program may
 * load several copies, and other code may wrap the client.
 */
export function isIoredisClient(value: unknown): value is Redis | Cluster {
  if (typeof value !== "object" || value === null) return false;
  const { isCluster, status, options, connector, duplicate, nodes } = value as Partial<Redis & Cluster> & {
    connector?: unknown;
  };
  if (typeof status !== "string" || typeof options !== "object" || typeof duplicate !== "function") return false;
  return isCluster === true ? typeof nodes === "function" : typeof connector === "object";
}

export function isIoredisCluster(client: Redis | Cluster): client is Cluster {
  return client.isCluster;
}

/** Throws `invalid-argument` and names the setting if the client has one that the store cannot take over. */
export function checkIoredisClient(client: Redis | Cluster): void {
  const settings = isIoredisCluster(client) ? [client.options, client.options.redisOptions ?? {}] : [client.options];
  for (const options of settings as readonly RedisOptions[]) {
    if (options.keyPrefix)
      throw refused("keyPrefix", "pass a client without one, because buckets already separate keys");
    if (options.sentinels && !options.Connector && options.role === "slave")
      throw refused('role: "slave"', "pass a client of the master, because replicas return stale data");
  }
}

function refused(setting: string, advice: string): StoreError {
  return new StoreError("invalid-argument", `\`client\` has a ${setting}: ${advice}`);
}

/** Returns the login of a client. Reads user and password for each connection, because the program may change them. */
function loginOf(options: () => RedisOptions, credentials: CredentialsSource | undefined): Login {
  const { db = 0, connectionName } = options();
  return {
    credentials: credentials ?? (async () => credentialsOf(options().username, options().password)),
    database: db,
    connectionName: connectionName || undefined,
  };
}

function credentialsOf(username: string | null | undefined, password: string | null | undefined) {
  return username || password ? { username: username || undefined, password: password ?? "" } : undefined;
}

/**
 * Returns a new client with the settings of `client` and these options. The class of the program may replace the method
 * `duplicate`. If the result were the program's own client, or reconnected by itself, the store would break or leak it.
 *
 * @throws {FaultError} `invalid-argument` unless the method returns a new client that is not connected and has the options
 */
async function duplicate(client: Redis, options: RedisOptions): Promise<Redis> {
  let copy: Partial<Redis> | undefined;
  try {
    copy = await client.duplicate(options);
  } catch {
    throw new FaultError(cannotDuplicate);
  }
  const isNew = copy !== client && copy?.status === "wait";
  if (isNew && copy?.options?.retryStrategy === options.retryStrategy) return copy as Redis;
  if (copy !== client) copy?.disconnect?.();
  throw new FaultError(cannotDuplicate);
}

const cannotDuplicate: Fault = Object.freeze({
  code: "invalid-argument",
  retryable: false,
  effect: "none",
  reason: "`duplicate` of the `client` must return a new client that has the given options: correct it, or pass `url`",
});

/** Returns how to reach the server of a client that has no sentinels. */
export function sourceOfRedis(client: Redis, credentials: CredentialsSource | undefined): ConnectionSource {
  return {
    ...loginOf(() => client.options, credentials),
    createClient: (attempt) => duplicate(client, { ...connectOnly, ...guardConnector(client.options, attempt) }),
  };
}

/** Whether ioredis would ask sentinels for the address of the server. */
export function hasSentinels({ options }: Redis): boolean {
  return Boolean(options.sentinels) && !options.Connector;
}

/** Returns the sentinels of a client, and how to reach the master. */
export function sentinelServiceOf(
  client: Redis,
  credentials: CredentialsSource | undefined,
  sentinelCredentials: CredentialsSource | undefined,
): SentinelService {
  const { sentinels, name, natMap } = client.options;
  // The types of ioredis do not permit `undefined` as a path, but ioredis treats it like no path.
  const direct = { ...connectOnly, sentinels: undefined, path: undefined } as RedisOptions;
  const addresses = (sentinels ?? []).map(({ host = "localhost", port = defaultSentinelPort }) => ({
    host,
    port: Number(port),
  }));
  return {
    addresses,
    service: name ?? "",
    source: (address) => ({
      database: 0,
      credentials:
        sentinelCredentials ??
        (async () => credentialsOf(client.options.sentinelUsername, client.options.sentinelPassword)),
      createClient: () => duplicate(client, { ...direct, ...address, ...tlsOf(client.options.sentinelTLS) }),
    }),
    translate: (address) => translate(natMap, address),
    login: loginOf(() => client.options, credentials),
    createClient: async (address) => {
      const { enableTLSForSentinelMode, tls } = client.options;
      return duplicate(client, { ...direct, ...address, ...tlsOf(enableTLSForSentinelMode ? tls : undefined) });
    },
  };
}

/**
 * Returns the nodes of a cluster client, for separate connections with the client's options. Does not use the client's
 * own connections, because the client may close them or make them read from replicas.
 */
export function nodesOfCluster(client: Cluster, credentials: CredentialsSource | undefined): ClusterNodes {
  // A client that the program closes later has no more nodes, but its settings are still valid.
  let example: Redis | undefined;
  const nodeAt = (address: Address): Redis => {
    const nodes: readonly Redis[] = client.nodes("all");
    const key = keyOfAddress(address);
    example =
      nodes.find(({ options: { host = "", port = 0 } }) => keyOfAddress({ host, port }) === key) ?? nodes[0] ?? example;
    if (example === undefined) throw notReady(client);
    return example;
  };
  return {
    seeds: async (signal) => {
      await whenReady(client, signal);
      return client.nodes("all").map(({ options: { host = "127.0.0.1", port = defaultPort } }) => ({ host, port }));
    },
    source: (address) => {
      const options = (): RedisOptions => ({ ...nodeAt(address).options, ...client.options.redisOptions });
      return {
        ...loginOf(options, credentials),
        database: 0,
        createClient: async (attempt) => {
          const merged = options();
          const guard = guardConnector(merged, attempt);
          return duplicate(nodeAt(address), { ...merged, ...connectOnly, ...address, ...guard });
        },
      };
    },
    translate: (address) => translate(client.options.natMap, address),
  };
}

function translate(map: ClusterOptions["natMap"] | null, address: Address): Address {
  const key = keyOfAddress(address);
  return (typeof map === "function" ? map(key) : map?.[key]) ?? address;
}

/**
 * Connects the client if necessary and waits until it is ready.
 *
 * @throws {FaultError} if this fails or the signal is aborted first
 */
function whenReady(client: Cluster, signal: AbortSignal): Promise<void> {
  if (client.status === "ready") return Promise.resolve();
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      client.off("ready", ready).off("error", failed).off("end", failed);
      signal.removeEventListener("abort", failed);
      finish();
    };
    const ready = (): void => settle(resolve);
    const failed = (error?: unknown): void => settle(() => reject(notReady(client, error)));
    if (client.status === "end" || signal.aborted) return failed();
    client.on("ready", ready).on("error", failed).on("end", failed);
    signal.addEventListener("abort", failed);
    if (client.status === "wait") client.connect().catch(() => {});
  });
}

/** @param error - the error of the client, whose `lastNodeError` tells why no node could be used */
function notReady(client: Cluster, error?: unknown): FaultError {
  const { lastNodeError } = (error ?? {}) as { lastNodeError?: unknown };
  if (lastNodeError instanceof Error && lastNodeError.name === "ReplyError") {
    const fault = /cluster support disabled/.test(lastNodeError.message) ? singleServer : faultOfReply(lastNodeError);
    return new FaultError({ ...fault, effect: "none" });
  }
  const closed = client.status === "end";
  const reason = closed ? "the `client` is closed: pass an open Cluster" : undefined;
  return new FaultError({ code: "unavailable", retryable: !closed, effect: "none", reason });
}

function tlsOf(tls: RedisOptions["tls"]): RedisOptions {
  return { tls } as RedisOptions;
}
