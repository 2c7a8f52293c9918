export { createStore } from "./create-store.js";
export type { Driver, RequestLimits, ServerAddress } from "./driver.js";
export type { Failure, Outcome, OutcomeCounts, StoreErrorCode, StoreErrorOptions, StoreErrorTag } from "./errors.js";
export { BatchError, StoreError } from "./errors.js";
export type { RetryOptions, StoreOptions } from "./options.js";
export type {
  Abilities,
  Bucket,
  CallOptions,
  Change,
  Entry,
  EntryOptions,
  Finding,
  IncrementOptions,
  KeyPage,
  KeyValue,
  ListOptions,
  OpenOptions,
  PageOptions,
  SetOptions,
  Store,
  StoreDescription,
  StoreTable,
  SwapResult,
} from "./store.js";
export { type Limits, portableLimits } from "./store.js";
export type { AttemptEvent, CallEvent, FenceEvent } from "./tracing.js";
export type {
  Codec,
  StandardSchema,
  TypedBucket,
  TypedChange,
  TypedEntry,
  TypedKeyValue,
  TypedSwapResult,
  ValidationResult,
} from "./typed.js";
export { DecodeError, json, schema, text, typed } from "./typed.js";
