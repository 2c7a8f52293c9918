import type { RedisClusterOptions } from "./cluster/cluster-options.js";
import {
  type DedicatedOptions,
  type Sources,
  type StartOptions,
  startDedicated,
  startShared,
} from "./decide.js";
import { redisClusterAt } from "./environment/redis-cluster.js";
import { redisClusterProcesses } from "./process/redis-cluster.js";
import type { DedicatedRedisCluster, RedisClusterService } from "./service.js";

/** Redis Cluster at MANYKV_REDIS_CLUSTER_URL where that is set, else as `startDedicatedRedisCluster` starts it. */
export function startRedisCluster(options: StartOptions = {}): Promise<RedisClusterService> {
  return startShared(sources({}), options);
}

/** Three masters and three replicas, each of which may be broken, in a container or local processes. */
export function startDedicatedRedisCluster(
  options: RedisClusterOptions & DedicatedOptions = {},
): Promise<DedicatedRedisCluster> {
  return startDedicated(sources(options), options);
}

function sources(options: RedisClusterOptions): Sources<RedisClusterService, DedicatedRedisCluster> {
  return {
    name: "redis-cluster",
    variable: "MANYKV_REDIS_CLUSTER_URL",
    environment: redisClusterAt,
    container: async () => (await import("./container/redis-cluster.js")).redisClusterContainer(options),
    process: (print) => redisClusterProcesses(options, print),
  };
}
