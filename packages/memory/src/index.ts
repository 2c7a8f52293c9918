export { BucketData } from "./bucket-data.js";
export { memoryDriver } from "./memory-driver.js";
export { type MemoryStoreOptions, memoryStore } from "./memory-store.js";
