import type { Backend, BackendName } from "./backend.js";
import { dynamodb } from "./dynamodb.js";
import { memory } from "./memory.js";
import { postgres } from "./postgres.js";
import { redis, redisCluster } from "./redis.js";

export const backends: { readonly [name in BackendName]: Backend } = {
  memory,
  redis,
  "redis-cluster": redisCluster,
  postgres,
  dynamodb,
};
