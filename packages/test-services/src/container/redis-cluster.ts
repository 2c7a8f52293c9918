import type { DedicatedRedisCluster } from "../service.js";

export async function redisClusterContainer(_options: object): Promise<DedicatedRedisCluster> {
  throw new Error("a container cannot be started yet: set DOCKER_HOST=unix:///nonexistent");
}
