export type { IoredisClient } from "./clients/ioredis-client.js";
export type { NodeRedisClient } from "./clients/node-redis-client.js";
export type { RedisCredentials } from "./connection/credentials.js";
export type { RedisDriverOptions, RedisStoreOptions } from "./redis-options.js";
export { redisDriver, redisStore } from "./redis-store.js";
export type { RedisTlsOptions } from "./tls.js";
