/** How a Redis Cluster of one's own is started: three masters, each with one replica. */
export interface RedisClusterOptions {
  /** Further arguments of each `redis-server`. Default: none. */
  args?: readonly string[];
  /** Every write is on its node's disk before it is acknowledged. Default: false. */
  durable?: boolean;
  /** After this long without an answer a node counts as failed and a replica takes over, in ms. Default: 2,000. */
  nodeTimeout?: number;
}

export const CLUSTER_NODES = 6;

export function clusterArguments(options: RedisClusterOptions): string[] {
  return [
    ...["--cluster-enabled", "yes"],
    ...["--cluster-node-timeout", `${options.nodeTimeout ?? 2_000}`],
    // A replica is in step at once instead of after the usual wait for more replicas to join in, and its master sends it
    // something soon: until then CLUSTER SLOTS does not list it.
    ...["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"],
  ];
}

export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** `host:port,host:port` */
export function clusterAddresses(nodes: readonly NodeAddress[]): string {
  return nodes.map(({ host, port }) => `${host}:${port}`).join(",");
}

export function clusterUrl(nodes: readonly NodeAddress[]): string {
  return `redis+cluster://${clusterAddresses(nodes)}`;
}
