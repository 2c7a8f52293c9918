export { certificate, privateKey } from "./certificate.js";
export { closing } from "./closing.js";
export type {
  DynamodbOptions,
  NodeAddress,
  PostgresOptions,
  RedisClusterOptions,
  RedisOptions,
} from "./options.js";
export { randomName } from "./random-name.js";
export { type Relay, startRelay, startUnixRelay, type UnixRelay } from "./relay.js";
export {
  answering,
  brokenKeys,
  hangingUpAt,
  info,
  killByAnyFilter,
  manners,
  oneKillFilter,
  together,
  without,
} from "./resp/manners.js";
export { type Handling, type Manner, type RespConnection, RespProxy } from "./resp/resp-proxy.js";
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
export {
  startDedicatedDynamodb,
  startDedicatedPostgres,
  startDedicatedRedis,
  startDedicatedRedisCluster,
  startDynamodb,
  startPostgres,
  startRedis,
  startRedisCluster,
} from "./services.js";
export type { DedicatedOptions, StartOptions } from "./start.js";
