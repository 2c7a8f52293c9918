import type { DedicatedRedis } from "../service.js";

export async function redisContainer(_options: object): Promise<DedicatedRedis> {
  throw new Error("a container cannot be started yet: set DOCKER_HOST=unix:///nonexistent");
}
