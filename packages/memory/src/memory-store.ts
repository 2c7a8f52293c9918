import { createStore, type Store, type StoreOptions } from "@manykv/core";
import { memoryDriver } from "./memory-driver.js";

/** Options of {@link memoryStore}. They are the same as those of every store. */
export type MemoryStoreOptions = StoreOptions;

/**
 * Creates a store in the memory of this process. The data is lost when the store is closed or the process ends.
 *
 * A key has at most 1,024 bytes of UTF-8, and a value has at most 64 MiB. Pass `portableLimits` as `limits` to develop
 * with the limits that every backend supports.
 *
 * @throws {StoreError} `invalid-argument` if an option is unknown or invalid.
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  return createStore(memoryDriver(), options);
}
