import type { StoreErrorCode } from "@manykv/core";
import type { CallFault, KeyFault } from "../faults/call-fault.js";
import { answerLost, refused, throttled, unavailable } from "../faults/engine-faults.js";
import { quickRetry } from "../support/faulty-write.js";
import { isWrite, type TableOperation } from "./operations.js";

/** What the engine does with a key or a request: a row of the table. */
export interface TableFault {
  readonly name: string;
  /** `key`: one key of a request fails. `request`: a request fails as a whole. */
  readonly scope: "key" | "request";
  /** Number of requests with the fault. */
  readonly times: number;
  /** Returns the fault of a request that contains `key`. */
  readonly fault: (key: string) => CallFault;
  /** The code of the error, if the fault does not end. */
  readonly code: StoreErrorCode;
  /** What the engine may have done: nothing, or what the request asked for. */
  readonly effect: "none" | "unapplied" | "applied";
}

type Description = Omit<TableFault, "name" | "scope" | "times" | "fault"> & { readonly key: KeyFault };

const kinds: Readonly<Record<string, Description>> = {
  throttled: { key: { kind: "unprocessed" }, code: "throttled", effect: "none" },
  unavailable: { key: { kind: "fail", fault: unavailable }, code: "unavailable", effect: "none" },
  "lost before the engine has it": {
    key: { kind: "fail", fault: answerLost },
    code: "connection-lost",
    effect: "unapplied",
  },
  "lost after the engine has applied it": {
    key: { kind: "fail", fault: answerLost, applied: true },
    code: "connection-lost",
    effect: "applied",
  },
};

/** The faults of keys and requests that the promise about outcomes is tested with. */
export const tableFaults: readonly TableFault[] = (["key", "request"] as const).flatMap((scope) => [
  ...Object.entries(kinds).flatMap(([kind, description]) => [
    faultOf(
      scope,
      `${kind} ${description.effect === "none" ? "twice" : "once"}`,
      description.effect === "none" ? 2 : 1,
      description,
    ),
    faultOf(scope, `${kind} every time`, Infinity, description),
  ]),
  faultOf(scope, "refused", Infinity, { key: { kind: "fail", fault: refused }, code: "access-denied", effect: "none" }),
]);

function faultOf(
  scope: "key" | "request",
  name: string,
  times: number,
  { key, code, effect }: Description,
): TableFault {
  const fault = scope === "key" ? keyFault(key) : () => requestFault(key);
  return { name: `a ${scope} is ${name}`, scope, times, fault, code, effect };
}

function requestFault(key: KeyFault): CallFault {
  if (key.kind === "unprocessed") return { kind: "reject", fault: throttled };
  return { ...key, kind: "reject" };
}

function keyFault(fault: KeyFault): (key: string) => CallFault {
  return (key) => ({ kind: "keys", of: (each) => (each === key ? fault : undefined) });
}

/** What a call must do under a fault. */
export interface Expected {
  /** Number of requests for the key or page. */
  readonly attempts: number;
  /** The code of the error. `undefined` if the call resolves. */
  readonly code?: StoreErrorCode | undefined;
  /** For a write: the outcome of the key. */
  readonly outcome: "applied" | "not-applied" | "unknown";
}

/** Returns what an operation must do under a fault. `progress` is 1 if other keys of the first request succeed. */
export function expectedOf(operation: TableOperation, fault: TableFault, progress: number): Expected {
  const { attempts } = quickRetry;
  const { times, effect, code } = fault;
  const { kind } = operation;
  // A coalesced read that is refused is sent again alone, because another key may be the one that is refused.
  const once = kind === "read" && operation.coalesce ? 2 : 1;
  if (code === "access-denied") return { attempts: once, code, outcome: "not-applied" };
  const isLost = effect !== "none";
  const last = attempts + progress;
  if (isLost && (kind === "increment" || kind === "swap")) return { attempts: 1, code, outcome: "unknown" };
  if (times !== Infinity) {
    // The repetition of an insert may find the key that the lost request created.
    if (kind === "insert" && effect === "applied") return { attempts: times + 1, code, outcome: "unknown" };
    return { attempts: times + 1, outcome: "applied" };
  }
  return { attempts: last, code, outcome: isLost && isWrite(operation) ? "unknown" : "not-applied" };
}
