import { FaultError } from "@manykv/core/driver";
import type { Cluster, ClusterOptions, Redis, RedisOptions } from "ioredis";
import type { Identity } from "../connection/identity.js";
import { type Login, loginOf } from "../connection/log-in.js";
import { NodeConnection } from "../connection/node-connection.js";
import { type ConnectionSource, createClient } from "../connection/open-socket.js";
import { type Address, keyOfAddress } from "./node-address.js";

/** Finds the nodes of a cluster and opens connections to them. */
export interface ClusterAccess {
  /** Returns the addresses of the nodes from which to discover all other nodes. */
  seeds(): Promise<readonly Address[]>;
  open(address: Address): NodeConnection;
  /** Translates an address that the cluster announces into the address at which this process reaches the node. */
  translate(address: Address): Address;
}

/** Returns access to a cluster through the addresses of some of its nodes. */
export function accessByUrl(
  addresses: readonly Address[],
  options: RedisOptions,
  login: Login,
  connectTimeout: number,
): ClusterAccess {
  return {
    seeds: async () => addresses,
    open: (address) =>
      openNode({ ...login, createClient: () => createClient({ ...options, ...address }) }, connectTimeout),
    translate: (address) => address,
  };
}

/**
 * Returns access to the cluster of the caller's client, over separate connections with the client's options. Does
 * not use the client's own connections, because the client may close them or make them read from replicas.
 */
export function accessByClient(client: Cluster, connectTimeout: number): ClusterAccess {
  return {
    seeds: async () => {
      await whenReady(client);
      return client.nodes("all").map(({ options: { host = "127.0.0.1", port = 6379 } }) => ({ host, port }));
    },
    open: (address) => {
      const options = (): RedisOptions => ({ ...optionsOf(client, address), ...address });
      const source = { ...loginOf(options), database: 0, createClient: () => createClient(options()) };
      return openNode(source, connectTimeout);
    },
    translate: (address) => translate(client.options.natMap, address),
  };
}

/** Returns the options of the client's node at this address, or of any other node, overridden by `redisOptions`. */
function optionsOf(client: Cluster, address: Address): RedisOptions {
  const nodes: readonly Redis[] = client.nodes("all");
  const key = keyOfAddress(address);
  const node = nodes.find(({ options: { host = "", port = 0 } }) => keyOfAddress({ host, port }) === key);
  return { ...(node ?? nodes[0])?.options, ...client.options.redisOptions };
}

function translate(map: ClusterOptions["natMap"], address: Address): Address {
  const key = keyOfAddress(address);
  return (typeof map === "function" ? map(key) : map?.[key]) ?? address;
}

function openNode(source: ConnectionSource, connectTimeout: number): NodeConnection {
  return new NodeConnection({ source, connectTimeout, check: checkNode });
}

/** Throws a {@link FaultError} if the server reports that it is not a cluster node. */
function checkNode({ clustered }: Identity): void {
  if (clustered !== false) return;
  throw new FaultError({ code: "unavailable", retryable: false, effect: "none", reason: "single node: use redis://" });
}

/** Connects the client if necessary and waits until it is ready. Rejects with a {@link FaultError} if this fails. */
function whenReady(client: Cluster): Promise<void> {
  if (client.status === "ready") return Promise.resolve();
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      client.off("ready", ready).off("error", failed).off("end", failed);
      finish();
    };
    const ready = (): void => settle(resolve);
    const failed = (): void => settle(() => reject(notReady(client)));
    if (client.status === "end") return failed();
    client.on("ready", ready).on("error", failed).on("end", failed);
    if (client.status === "wait") client.connect().catch(() => {});
  });
}

function notReady(client: Cluster): FaultError {
  const closed = client.status === "end";
  const reason = closed ? "the `client` is closed: pass an open Cluster" : undefined;
  return new FaultError({ code: "unavailable", retryable: !closed, effect: "none", reason });
}
