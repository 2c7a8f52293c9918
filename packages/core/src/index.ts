export { BatchError, type Failure, type Outcome, type OutcomeCounts } from "./batch-error.js";
export { ChunkCopier } from "./chunk-copier.js";
export { coalesce } from "./coalescing/coalesce.js";
export { createStore } from "./create-store.js";
export {
  allDone,
  type Driver,
  type DriverLimits,
  type DriverRequest,
  type Fault,
  type Incomplete,
  type ItemFault,
  type KeysRequest,
  type ListAnswer,
  type ListRequest,
  type PreparedSet,
  type ReadAnswer,
  type RequestLimits,
  type SetRequest,
  type WriteAnswer,
} from "./driver.js";
export { isAborted, onAbort } from "./execution/on-abort.js";
export type { RetryOptions } from "./execution/retry-policy.js";
export { type Limits, portableLimits } from "./limits.js";
export type { Bucket, CallOptions, KeyPage, KeyValue, Store } from "./store.js";
export { StoreError, type StoreErrorCode, type StoreErrorTag } from "./store-error.js";
export type { StoreOptions } from "./store-options.js";
export type { AttemptEvent, CallEvent } from "./tracing.js";
export { ValueCopier } from "./value-copier.js";
