export type { Anomaly, AnomalyKind } from "./checker/anomaly.js";
export { type CheckResult, checkHistory } from "./checker/check-history.js";
export {
  History,
  type Observation,
  type ReadRecord,
  type WriteDetails,
  type WriteKind,
  type WriteRecord,
} from "./checker/history.js";
export { type CallEnd, RecordedClient, type RecordedClientOptions } from "./checker/recorded-client.js";
export { toJepsen } from "./checker/to-jepsen.js";
export { type Identified, identify, leastValueBytes, uniqueValue } from "./checker/unique-value.js";
