export { type Keyvalue, type KeyvalueOptions, keyvalue, type Mode } from "./keyvalue.js";
export type { ImportObject, Shape } from "./shapes/shape.js";
export type { FailedCall } from "./stores/call-runner.js";
export type { StoreEntry, StoreMap } from "./stores/store-table.js";
