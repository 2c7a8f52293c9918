import { FaultError } from "@manykv/core/driver";
import type { Identity } from "../connection/identity.js";
import { NodeConnection } from "../connection/node-connection.js";
import type { ConnectionSource } from "../connection/open-socket.js";
import type { Address } from "./node-address.js";

/** How to reach the nodes of a cluster. */
export interface ClusterNodes {
  /** Returns the addresses of the nodes from which to discover all other nodes. */
  seeds(): Promise<readonly Address[]>;
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
    seeds: () => nodes.seeds(),
    translate: (address) => nodes.translate(address),
    open: (address) => new NodeConnection({ source: nodes.source(address), connectTimeout, check: checkNode }),
  };
}

/** Throws a {@link FaultError} if the server reports that it is not a cluster node. */
function checkNode({ clustered }: Identity): void {
  if (clustered !== false) return;
  throw new FaultError({ code: "unavailable", retryable: false, effect: "none", reason: "single node: use redis://" });
}
