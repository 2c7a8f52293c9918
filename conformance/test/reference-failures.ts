import type { Driver, Fault } from "@manykv/core/driver";
import type { CallFault, KeyFault, Operation } from "../src/faults/call-fault.js";
import { answerLost, refused, throttled } from "../src/faults/engine-faults.js";
import { faultDriver } from "../src/faults/fault-driver.js";
import type { EngineFailure } from "../src/index.js";

const onKeys: readonly Operation[] = [
  "get",
  "exists",
  "ttl",
  "set",
  "delete",
  "setIfAbsent",
  "increment",
  "compareAndSwap",
];
const operations: readonly Operation[] = [...onKeys, "list", "listBuckets", "sweep"];

const wrongType: Fault = { code: "wrong-type", retryable: false, effect: "none", reason: "WRONGTYPE" };

const slowDown: Fault = { ...throttled, retryAfter: 1 };

/**
 * Ways in which the engine of the reference backend fails. `engine` returns a client of the engine, and `driverOf` the
 * driver under test, on top of an engine that fails.
 */
export function referenceFailures(engine: () => Driver, driverOf: (engine: Driver) => Driver): EngineFailure[] {
  const failure = (
    rest: Pick<EngineFailure, "what" | "operations" | "scope" | "expected">,
    fault: { readonly key: KeyFault } | { readonly request: CallFault },
  ): EngineFailure => ({
    ...rest,
    open({ failing }) {
      let isFailing = false;
      const faulty = faultDriver(engine(), ({ operation, keys }) => {
        if (!isFailing) return undefined;
        const whole: CallFault | undefined =
          "request" in fault
            ? fault.request
            : fault.key.kind === "fail"
              ? { ...fault.key, kind: "reject" }
              : { kind: "reject", fault: throttled };
        if (!onKeys.includes(operation)) return whole;
        if ("request" in fault) return keys.some((key) => key.includes(failing)) ? whole : undefined;
        return { kind: "keys", of: (key) => (key.includes(failing) ? fault.key : undefined) };
      });
      return {
        driver: driverOf(faulty),
        start: () => {
          isFailing = true;
        },
        stop: () => {
          isFailing = false;
        },
      };
    },
  });
  return [
    failure(
      { what: "has no capacity for some keys", operations, scope: "key", expected: "unprocessed" },
      { key: { kind: "unprocessed" } },
    ),
    failure(
      { what: "stores data of another type", operations: onKeys, scope: "key", expected: wrongType },
      { key: { kind: "fail", fault: wrongType } },
    ),
    failure(
      { what: "throttles requests", operations, scope: "request", expected: slowDown },
      { request: { kind: "reject", fault: slowDown } },
    ),
    failure(
      { what: "refuses requests", operations, scope: "request", expected: refused },
      { request: { kind: "reject", fault: refused } },
    ),
    failure(
      { what: "loses responses", operations, scope: "request", expected: answerLost },
      { request: { kind: "reject", fault: answerLost, applied: true } },
    ),
  ];
}
