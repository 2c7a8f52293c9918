import { createStore, type Store, type StoreOptions } from "@manykv/core";
import { memoryDriver } from "./memory-driver.js";

/** Options of {@link memoryStore}: those that every store takes. */
export type MemoryStoreOptions = StoreOptions;

/**
 * A store in the memory of this process: nothing outlives `close()` or the process.
 *
 * Limits: keys of 1,024 bytes of UTF-8, values of 64 MiB. Pass `portableLimits` as `limits` to develop against what
 * every backend holds.
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  return createStore(memoryDriver(), options);
}
