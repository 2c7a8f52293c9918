import { createStore, type Store, type StoreOptions } from "@manykv/core";
import { memoryDriver } from "./memory-driver.js";

/** Options of {@link memoryStore}: those of every store. */
export type MemoryStoreOptions = StoreOptions;

/**
 * Creates a store in the memory of this process. Its data is lost when the store is closed or the process ends.
 *
 * Keys have at most 1,024 bytes of UTF-8, values at most 64 MiB. Pass `portableLimits` as `limits` to develop against the
 * limits that every backend supports.
 *
 * @throws {StoreError} `invalid-argument` for an option that is unknown or out of range.
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  return createStore(memoryDriver(), options);
}
