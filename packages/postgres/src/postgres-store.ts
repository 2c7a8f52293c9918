import { createStore, type Store } from "@manykv/core";
import type { PostgresStoreOptions } from "./options.js";
import { postgresDriver } from "./postgres-driver.js";

/**
 * A store in a Postgres table. Connects when it is first used.
 *
 * ```ts
 * const store = postgresStore({ url: "postgres://app:secret@localhost:5432/app" });
 * await store.provision(); // creates the table unless it exists
 * const bucket = await store.open("users");
 * await bucket.setMany([["alice", new Uint8Array([1, 2])]]);
 * ```
 *
 * @throws {StoreError} `invalid-argument`, naming the option.
 */
export function postgresStore(options: PostgresStoreOptions): Store {
  const { url, pool, table, ...storeOptions } = options ?? {};
  return createStore(postgresDriver({ url, pool, table }), storeOptions);
}
