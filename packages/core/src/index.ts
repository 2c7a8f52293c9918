export { createStore } from "./create-store.js";
export type { Driver, RequestLimits, ServerAddress } from "./driver.js";
export type { Failure, Outcome, OutcomeCounts, StoreErrorCode, StoreErrorOptions, StoreErrorTag } from "./errors.js";
export { BatchError, StoreError } from "./errors.js";
export type { RetryOptions, StoreOptions } from "./options.js";
export type {
  Abilities,
  Bucket,
  CallOptions,
  Entry,
  Finding,
  KeyPage,
  KeyValue,
  ListOptions,
  OpenOptions,
  Store,
  StoreDescription,
} from "./store.js";
export { type Limits, portableLimits } from "./store.js";
export type { AttemptEvent, CallEvent } from "./tracing.js";
