import type { Fault } from "@manykv/core/driver";

export type Operation = "get" | "set" | "delete" | "exists" | "list";

/** A request on its way to a driver. */
export interface FaultyCall {
  /** Counts the requests of this driver, from 0. */
  readonly call: number;
  readonly operation: Operation;
  readonly bucket: string;
  readonly keys: readonly string[];
}

/** What goes wrong with one key of a request. */
export type KeyFault =
  /** The engine has no capacity for the key. */
  | { readonly kind: "unprocessed" }
  /** The key fails. With `applied`, the engine applies it and the answer is lost. */
  | { readonly kind: "fail"; readonly fault: Fault; readonly applied?: boolean };

/** What goes wrong with a request. */
export type CallFault =
  /** Some of its keys fail. The others reach the engine. */
  | { readonly kind: "keys"; readonly of: (key: string, index: number) => KeyFault | undefined }
  /** The request rejects. With `applied`, the engine applies it first. */
  | { readonly kind: "reject"; readonly fault: Fault; readonly applied?: boolean }
  /** Never reaches the engine. When the request is aborted, the driver answers that it does not know. */
  | { readonly kind: "drop-request" }
  /** The engine applies it. When the request is aborted, the driver answers that it does not know. */
  | { readonly kind: "drop-answer" }
  /** Never reaches the engine, and the driver never answers, not even when the request is aborted. */
  | { readonly kind: "hang" }
  /** Reaches the engine after a delay. */
  | { readonly kind: "delay"; readonly milliseconds: number }
  /** Reaches the engine at once, but the driver delays the answer. */
  | { readonly kind: "late-answer"; readonly milliseconds: number }
  /**
   * Fails at once with `connection-lost`, effect `unknown`, but reaches the engine after a delay, where it may overwrite a
   * newer write. Its fence stops it, unless `fence` is `false`.
   */
  | { readonly kind: "late-apply"; readonly milliseconds: number; readonly fence?: boolean };

/** Decides for each request of a driver what goes wrong with it. `undefined`: nothing. */
export type FaultSchedule = (call: FaultyCall) => CallFault | undefined;
