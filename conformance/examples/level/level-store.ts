import { createStore, type Store, type StoreOptions } from "@manykv/core";
import { type Database, LevelDriver } from "./level-driver.js";

export interface LevelStoreOptions extends StoreOptions {
  /** An open database. The store does not close it. */
  readonly database: Database;
}

/** Creates a store on LevelDB. Throws an error that names an unknown or invalid option. */
export function levelStore({ database, ...options }: LevelStoreOptions): Store {
  return createStore(new LevelDriver(database), options);
}
