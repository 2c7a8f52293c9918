import type { Cluster, ClusterOptions, Redis, RedisOptions } from "ioredis";
import type { Identity } from "../connection/identity.js";
import { OwnNode } from "../connection/own-node.js";
import type { RedisNode } from "../connection/redis-node.js";
import { FaultError } from "../fault-error.js";
import { type Address, keyOfAddress } from "./node-address.js";
import type { ClusterAccess } from "./topology.js";

/** A cluster by some of its addresses. */
export function accessByUrl(
  addresses: readonly Address[],
  options: RedisOptions,
  connectTimeout: number,
): ClusterAccess {
  return {
    seeds: async () => addresses,
    open: (address) => openNode({ ...options, ...address }, connectTimeout),
    translate: (address) => address,
  };
}

/**
 * The cluster that the caller's client is connected to, with the client's options, over connections of our own: the
 * client's are made replica connections and are closed as its own view of the cluster changes, whatever is under way.
 */
export function accessByClient(client: Cluster, connectTimeout: number): ClusterAccess {
  return {
    seeds: async () => {
      await whenReady(client);
      return client.nodes("all").map(({ options: { host = "127.0.0.1", port = 6379 } }) => ({ host, port }));
    },
    open: (address) => openNode({ ...optionsOf(client, address), ...address }, connectTimeout),
    translate: (address) => translate(client.options.natMap, address),
  };
}

/** Those of the client's node at this address, which may have a password of its own, or of any. */
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

function openNode(options: RedisOptions, connectTimeout: number): RedisNode {
  return new OwnNode({ ...options, db: 0 }, connectTimeout, checkNode);
}

/** @throws {FaultError} for a server that is no node of a cluster */
function checkNode({ clustered }: Identity): void {
  if (clustered !== false) return;
  throw new FaultError({
    code: "unavailable",
    retryable: false,
    effect: "none",
    reason: "not a node of a cluster",
  });
}

/** @throws {FaultError} why the client does not know its cluster */
function whenReady(client: Cluster): Promise<void> {
  if (client.status === "ready") return Promise.resolve();
  return new Promise((resolve, reject) => {
    const settle = (end: () => void): void => {
      client.off("ready", ready).off("error", failed).off("end", failed);
      end();
    };
    const ready = (): void => settle(resolve);
    const failed = (): void => settle(() => reject(new FaultError(notReady(client))));
    if (client.status === "end") return failed();
    client.on("ready", ready).on("error", failed).on("end", failed);
    if (client.status === "wait") client.connect().catch(() => {});
  });
}

function notReady(client: Cluster): FaultError["fault"] {
  const closed = client.status === "end";
  return {
    code: "unavailable",
    retryable: !closed,
    effect: "none",
    reason: closed ? "the client is closed" : "the client is not ready",
  };
}
