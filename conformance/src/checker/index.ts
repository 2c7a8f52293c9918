export { type CheckResult, checkHistory } from "./check-history.js";
export { History, type Misbehaviour, type ReadRecord, type Sight, type WriteRecord } from "./history.js";
export { type CallEnd, RecordedClient, type RecordedClientOptions } from "./recorded-client.js";
export { type Identified, identify, leastValueBytes, uniqueValue } from "./unique-value.js";
export type { Violation, ViolationKind } from "./violation.js";
