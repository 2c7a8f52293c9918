import { createStore, type Store } from "@manykv/core";
import type { PostgresStoreOptions } from "./options.js";
import { postgresDriver } from "./postgres-driver.js";

/**
 * Returns a store that uses a Postgres table. Limits: 1,024 bytes of UTF-8 for a key, and 64 MiB for a value.
 *
 * ```ts
 * const store = postgresStore({ url: "postgres://app:secret@localhost:5432/app" }); // connects on first use
 * await store.provision(); // creates the table unless it exists
 * const bucket = await store.open("users");
 * await bucket.setMany([["alice", new Uint8Array([1, 2])]]);
 * ```
 *
 * @throws {StoreError} `invalid-argument` if an option is unknown, missing or invalid. The message names the option.
 */
export function postgresStore(options: PostgresStoreOptions): Store {
  const { url, password, pool, pglite, table, prepare, ...storeOptions } = options ?? {};
  return createStore(postgresDriver({ url, password, pool, pglite, table, prepare }), storeOptions);
}
