export type { PostgresDriverOptions, PostgresStoreOptions } from "./options.js";
export { postgresDriver } from "./postgres-driver.js";
export { postgresStore } from "./postgres-store.js";
