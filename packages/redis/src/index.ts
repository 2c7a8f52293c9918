export type { RedisDriverOptions, RedisStoreOptions } from "./redis-options.js";
export { redisDriver, redisStore } from "./redis-store.js";
