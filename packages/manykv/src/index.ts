export {
  BatchError,
  type Bucket,
  type CallOptions,
  type KeyValue,
  type Limits,
  portableLimits,
  type Store,
  StoreError,
  type StoreOptions,
} from "@manykv/core";
export { openStore } from "./open-store/open-store.js";
