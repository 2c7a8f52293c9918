import { type Fault, FaultError } from "@manykv/core/driver";
import type { Identity } from "../connection/identity.js";
import { NodeConnection } from "../connection/node-connection.js";
import type { ConnectionSource } from "../connection/open-socket.js";
import type { Address } from "./node-address.js";

/** How to reach the nodes of a cluster. */
export interface ClusterNodes {
  /** Returns the addresses of the nodes from which to discover all other nodes. Gives up when the signal is aborted. */
  seeds(signal: AbortSignal): Promise<readonly Address[]>;
  source(address: Address): ConnectionSource;
  /** Translates an address that the cluster announces into the address at which this process reaches the node. */
  translate(address: Address): Address;
}

/** Finds the nodes of a cluster and opens connections to them. */
export interface ClusterAccess extends Pick<ClusterNodes, "seeds" | "translate"> {
  open(address: Address): NodeConnection;
}

export function clusterAccess(nodes: ClusterNodes, connectTimeout: number): ClusterAccess {
  return {
    seeds: (signal) => nodes.seeds(signal),
    translate: (address) => nodes.translate(address),
    open: (address) => new NodeConnection({ source: nodes.source(address), connectTimeout, check: checkNode }),
  };
}

/** Throws a {@link FaultError} if the server reports that it is not a cluster node. */
function checkNode({ mode }: Identity): void {
  if (mode === undefined || mode === "cluster") return;
  throw new FaultError(singleServer);
}

/** The fault of a server that belongs to no cluster. */
export const singleServer: Fault = Object.freeze({
  code: "unavailable",
  retryable: false,
  effect: "none",
  reason: "single server: use redis:// or a client for one server",
});
