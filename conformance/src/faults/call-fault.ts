import type { Fault } from "@manykv/core/driver";

/** The driver method that receives a request. */
export type Operation =
  | "get"
  | "set"
  | "delete"
  | "exists"
  | "list"
  | "setIfAbsent"
  | "ttl"
  | "increment"
  | "compareAndSwap"
  | "listBuckets"
  | "sweep"
  | "provision"
  | "describe";

/** Every method that receives a request. */
export const operations: readonly Operation[] = [
  "get",
  "set",
  "delete",
  "exists",
  "list",
  "setIfAbsent",
  "ttl",
  "increment",
  "compareAndSwap",
  "listBuckets",
  "sweep",
  "provision",
  "describe",
];

/** A request that the fault driver received. */
export interface FaultyCall {
  /** Number of the request among all requests to this fault driver, from 0. */
  readonly call: number;
  /** The driver method that received the request. */
  readonly operation: Operation;
  /** Name of the bucket. */
  readonly bucket: string;
  /** Keys of the request. Empty for a request without keys, such as `list`. */
  readonly keys: readonly string[];
}

/** The fault of one key of a request. */
export type KeyFault =
  /** The engine has no capacity for the key. The driver returns the key's index in `unprocessed`. */
  | { readonly kind: "unprocessed" }
  /** The key fails with `fault`. With `applied`, the engine applies the write first. */
  | { readonly kind: "fail"; readonly fault: Fault; readonly applied?: boolean };

/** The fault of a request. */
export type CallFault =
  /**
   * `of` returns the fault of each key, or `undefined` for a key without a fault. A request without keys, such as `list`,
   * has no fault.
   */
  | { readonly kind: "keys"; readonly of: (key: string, index: number) => KeyFault | undefined }
  /** The request rejects with `fault`. With `applied`, the engine applies the request first. */
  | { readonly kind: "reject"; readonly fault: Fault; readonly applied?: boolean }
  /**
   * The request never reaches the engine. When core aborts the request, the request fails with `timeOver`, and with
   * `fence` if it is present.
   */
  | { readonly kind: "drop-request"; readonly fence?: Fault["fence"] }
  /**
   * The engine applies the request, but the response is lost. When core aborts the request, the request fails with
   * `timeOver`. The fault driver calls `onAnswer` when the engine has responded.
   */
  | { readonly kind: "drop-answer"; readonly onAnswer?: () => void }
  /** The request never reaches the engine, and its promise never settles, not even when core aborts the request. */
  | { readonly kind: "hang" }
  /** The request reaches the engine after a delay. */
  | { readonly kind: "delay"; readonly milliseconds: number }
  /** The request reaches the engine immediately, but the driver returns the response only after a delay. */
  | { readonly kind: "late-answer"; readonly milliseconds: number }
  /**
   * The request fails immediately with code `connection-lost` and effect `unknown`. After a delay, it still reaches the
   * engine and may overwrite a newer write. Unless `fence` is `false`, the fault has a fence that stops the request.
   */
  | { readonly kind: "late-apply"; readonly milliseconds: number; readonly fence?: boolean };

/** Returns the fault of a request, or `undefined` to forward the request without a fault. */
export type FaultSchedule = (call: FaultyCall) => CallFault | undefined;

/** Returns a fault of a whole request, in words. */
export function describeCallFault(fault: Exclude<CallFault, { readonly kind: "keys" }>): string {
  switch (fault.kind) {
    case "reject":
      return `the request ${describeFailure(fault)}`;
    case "drop-request":
      return "the request is lost";
    case "drop-answer":
      return "the response is lost";
    case "hang":
      return "the request is lost, and its promise never settles";
    case "delay":
      return "the request is late";
    case "late-answer":
      return "the response is late";
    case "late-apply":
      return "the request fails with connection-lost (effect unknown) and is applied later";
  }
}

/** Returns a fault of one key, in words. */
export function describeKeyFault(fault: KeyFault): string {
  return fault.kind === "unprocessed"
    ? "keys stay unprocessed"
    : `keys ${describeFailure(fault).replace(/^fails/, "fail")}`;
}

function describeFailure({ fault, applied }: { readonly fault: Fault; readonly applied?: boolean }): string {
  return `fails with ${fault.code} (effect ${fault.effect})${applied ? " after the engine applied it" : ""}`;
}
