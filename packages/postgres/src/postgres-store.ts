import { createStore, type Store } from "@manykv/core";
import type { PostgresStoreOptions } from "./options.js";
import { postgresDriver } from "./postgres-driver.js";

/**
 * A store in a Postgres table.
 *
 * ```ts
 * const store = postgresStore({ url: "postgres://app:secret@localhost:5432/app" });
 * await store.provision(); // makes the table, where it is not there yet
 * const bucket = await store.open("users");
 * await bucket.setMany([["alice", new Uint8Array([1, 2])]]);
 * ```
 *
 * @throws {StoreError} `invalid-argument`, naming the option.
 */
export function postgresStore(options: PostgresStoreOptions): Store {
  return createStore(postgresDriver(options), options);
}
