import {
  type DedicatedOptions,
  type Sources,
  type StartOptions,
  startDedicated,
  startShared,
} from "./decide.js";
import { redisAt } from "./environment/redis.js";
import { redisProcess } from "./process/redis.js";
import type { RedisOptions } from "./redis-options.js";
import type { DedicatedRedis, RedisService } from "./service.js";

/** Redis at MANYKV_REDIS_URL where that is set, else as `startDedicatedRedis` starts it. */
export function startRedis(options: StartOptions = {}): Promise<RedisService> {
  return startShared(sources({}), options);
}

/** A Redis that may be broken, in a container or a local process. */
export function startDedicatedRedis(options: RedisOptions & DedicatedOptions = {}): Promise<DedicatedRedis> {
  return startDedicated(sources(options), options);
}

function sources(options: RedisOptions): Sources<RedisService, DedicatedRedis> {
  return {
    name: "redis",
    variable: "MANYKV_REDIS_URL",
    environment: redisAt,
    container: async () => (await import("./container/redis.js")).redisContainer(options),
    process: (print) => redisProcess(options, print),
  };
}
