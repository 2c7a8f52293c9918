export type { NodeAddress, RedisClusterOptions } from "./cluster/cluster-options.js";
export type { DedicatedOptions, StartOptions } from "./decide.js";
export { startDedicatedDynamodb, startDynamodb } from "./dynamodb.js";
export type { DynamodbOptions } from "./dynamodb-options.js";
export { startDedicatedPostgres, startPostgres } from "./postgres.js";
export type { PostgresOptions } from "./postgres-options.js";
export { randomName } from "./random-name.js";
export { startDedicatedRedis, startRedis } from "./redis.js";
export { startDedicatedRedisCluster, startRedisCluster } from "./redis-cluster.js";
export type { RedisOptions } from "./redis-options.js";
export type {
  Breakable,
  DedicatedDynamodb,
  DedicatedPostgres,
  DedicatedRedis,
  DedicatedRedisCluster,
  DynamodbService,
  PostgresService,
  RedisClusterService,
  RedisService,
  Service,
  ServiceSource,
} from "./service.js";
