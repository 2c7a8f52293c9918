export { redisDriver } from "./redis-driver.js";
export type { RedisStoreOptions } from "./redis-options.js";
export { redisStore } from "./redis-store.js";
export type { WaitOptions } from "./replica-wait.js";
