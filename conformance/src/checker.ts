export { type CheckResult, checkHistory } from "./checker/check-history.js";
export { History, type Misbehaviour, type ReadRecord, type Sight, type WriteRecord } from "./checker/history.js";
export { type CallEnd, RecordedClient, type RecordedClientOptions } from "./checker/recorded-client.js";
export { type Identified, identify, leastValueBytes, uniqueValue } from "./checker/unique-value.js";
export type { Violation, ViolationKind } from "./checker/violation.js";
