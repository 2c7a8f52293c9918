/**
 * Tools that inject faults into drivers and connections. The suite uses them, and you can use them in your own tests.
 */
export type { CallFault, FaultSchedule, FaultyCall, KeyFault, Operation } from "./faults/call-fault.js";
export {
  byteTrueFaultKinds,
  type ConnectionFault,
  type ConnectionFaultKind,
  connectionFaultKinds,
  type Direction,
  type SeededConnectionFaultOptions,
  seededConnectionFault,
} from "./faults/connection-fault.js";
export { answerLost, refused, throttled, timeOver, unavailable } from "./faults/engine-faults.js";
export { faultDriver } from "./faults/fault-driver.js";
export {
  answerJson,
  delayHttp,
  dropHttp,
  firstRequests,
  type HttpAnswer,
  type HttpExchange,
  type HttpHandler,
  HttpProxy,
  type OperationOf,
  passThrough,
  resetHttp,
  rewriteAnswer,
} from "./faults/http-proxy.js";
export { ProxySet } from "./faults/proxy-set.js";
export { deriveSeed, Random } from "./faults/random.js";
export {
  type SeededFault,
  type SeededFaultOptions,
  type SeededSchedule,
  seededFaultKinds,
  seededFaults,
} from "./faults/seeded-faults.js";
export {
  type Address,
  type Intercept,
  ProxiedConnection,
  type ProxyCounts,
  TcpProxy,
  type TcpProxyOptions,
} from "./faults/tcp-proxy.js";
export { type AnyRequest, type OptionalMethod, wrapDriver } from "./faults/wrap-driver.js";
