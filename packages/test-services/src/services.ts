import { dynamodbAt, postgresAt, redisAt, redisClusterAt } from "./environment.js";
import type { DynamodbOptions, PostgresOptions, RedisClusterOptions, RedisOptions } from "./options.js";
import { dynamodbProcess } from "./process/dynamodb.js";
import { postgresProcess } from "./process/postgres.js";
import { redisClusterProcesses, redisProcess } from "./process/redis.js";
import type {
  DedicatedDynamodb,
  DedicatedPostgres,
  DedicatedRedis,
  DedicatedRedisCluster,
  DynamodbService,
  PostgresService,
  RedisClusterService,
  RedisService,
} from "./service.js";
import { type DedicatedOptions, type Sources, type StartOptions, startDedicated, startShared } from "./start.js";

// Testcontainers is slow to load, so only a source that needs it imports `container/servers.js`.

/** Returns the Redis server at `MANYKV_REDIS_URL`. If the variable is unset, starts one with `startDedicatedRedis`. */
export function startRedis(options: StartOptions = {}): Promise<RedisService> {
  return startShared(redis({}), options);
}

/** Starts a Redis server that tests may break, in a container or a local process. */
export function startDedicatedRedis(options: RedisOptions & DedicatedOptions = {}): Promise<DedicatedRedis> {
  return startDedicated(redis(options), options);
}

function redis(options: RedisOptions): Sources<RedisService, DedicatedRedis> {
  return {
    name: "redis",
    variable: "MANYKV_REDIS_URL",
    environment: redisAt,
    container: async () => (await import("./container/servers.js")).redisContainer(options),
    process: (print) => redisProcess(options, print),
  };
}

/**
 * Returns the Redis Cluster at `MANYKV_REDIS_CLUSTER_URL`. If the variable is unset, starts one with
 * `startDedicatedRedisCluster`.
 */
export function startRedisCluster(options: StartOptions = {}): Promise<RedisClusterService> {
  return startShared(redisCluster({}), options);
}

/** Starts three masters and three replicas that tests may break, in a container or in local processes. */
export function startDedicatedRedisCluster(
  options: RedisClusterOptions & DedicatedOptions = {},
): Promise<DedicatedRedisCluster> {
  return startDedicated(redisCluster(options), options);
}

function redisCluster(options: RedisClusterOptions): Sources<RedisClusterService, DedicatedRedisCluster> {
  return {
    name: "redis-cluster",
    variable: "MANYKV_REDIS_CLUSTER_URL",
    environment: redisClusterAt,
    container: async () => (await import("./container/servers.js")).redisClusterContainer(options),
    process: (print) => redisClusterProcesses(options, print),
  };
}

/**
 * Returns the Postgres server at `MANYKV_POSTGRES_URL`. If the variable is unset, starts one with
 * `startDedicatedPostgres`.
 */
export function startPostgres(options: StartOptions = {}): Promise<PostgresService> {
  return startShared(postgres({}), options);
}

/** Starts a Postgres server that tests may break, in a container or a process. The user of `url` is a superuser. */
export function startDedicatedPostgres(options: PostgresOptions & DedicatedOptions = {}): Promise<DedicatedPostgres> {
  return startDedicated(postgres(options), options);
}

function postgres(options: PostgresOptions): Sources<PostgresService, DedicatedPostgres> {
  return {
    name: "postgres",
    variable: "MANYKV_POSTGRES_URL",
    environment: postgresAt,
    container: async () => (await import("./container/servers.js")).postgresContainer(options),
    process: () => postgresProcess(options),
  };
}

/**
 * Returns the DynamoDB service at `MANYKV_DYNAMODB_URL`. If the variable is unset, starts one with
 * `startDedicatedDynamodb`.
 */
export function startDynamodb(options: StartOptions = {}): Promise<DynamodbService> {
  return startShared(dynamodb({}), options);
}

/** Starts an emulator that tests may break: DynamoDB Local in a container, or dynalite in a local process. */
export function startDedicatedDynamodb(options: DynamodbOptions & DedicatedOptions = {}): Promise<DedicatedDynamodb> {
  return startDedicated(dynamodb(options), options);
}

function dynamodb(options: DynamodbOptions): Sources<DynamodbService, DedicatedDynamodb> {
  return {
    name: "dynamodb",
    variable: "MANYKV_DYNAMODB_URL",
    environment: dynamodbAt,
    container: async () => (await import("./container/servers.js")).dynamodbContainer(options),
    process: () => dynamodbProcess(options),
  };
}
