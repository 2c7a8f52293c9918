export { type BucketOptions, CaseContext, type ClientOptions } from "./case-context.js";
export { cases } from "./cases/index.js";
export * from "./checker/index.js";
export type { ConformanceCase } from "./conformance-case.js";
export {
  type DifferentialOptions,
  type DifferentialResult,
  differential,
} from "./differential/differential.js";
export type { CallFault, FaultSchedule, FaultyCall, KeyFault } from "./faults/call-fault.js";
export { faultDriver } from "./faults/fault-driver.js";
export { answerLost, refused, throttled, timeOver, unavailable } from "./faults/faults.js";
export {
  type SeededFault,
  type SeededFaultOptions,
  type SeededSchedule,
  seededFaultKinds,
  seededFaults,
} from "./faults/seeded-faults.js";
export type { Address, ConformanceHarness, Route } from "./harness.js";
export {
  type ConnectionFault,
  type ConnectionFaultKind,
  connectionFaultKinds,
  type Direction,
  type SeededConnectionFault,
  seededConnectionFault,
} from "./network/connection-fault.js";
export { type NetworkProxy, networkProxy } from "./network/network-proxy.js";
export type { ProxyCounts } from "./network/proxied-connection.js";
export { type Rule, rules } from "./rules.js";
export { runCase } from "./run-case.js";
export type { Runner } from "./runner.js";
export { conformanceSuite } from "./suite.js";
export { type WitSentenceId, witSentences } from "./wit-sentences.js";
