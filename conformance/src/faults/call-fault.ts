import type { Fault } from "@manykv/core";
import type { Operation } from "../support/recording-driver.js";

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
  /** The engine leaves the key out for want of capacity. */
  | { readonly kind: "unprocessed" }
  /** The key fails. With `applied` the engine does it all the same: an answer that was lost. */
  | { readonly kind: "fail"; readonly fault: Fault; readonly applied?: boolean };

/** What goes wrong with a request. */
export type CallFault =
  /** Some of its keys fail; the others reach the engine. */
  | { readonly kind: "keys"; readonly of: (key: string, index: number) => KeyFault | undefined }
  /** The request rejects. With `applied` the engine does it all the same. */
  | { readonly kind: "reject"; readonly fault: Fault; readonly applied?: boolean }
  /** Never reaches the engine. When the attempt's time is over, the driver answers that it does not know. */
  | { readonly kind: "drop-request" }
  /** The engine does it. When the attempt's time is over, the driver answers that it does not know. */
  | { readonly kind: "drop-answer" }
  /** Never reaches the engine, and the driver never answers, not even to the signal. */
  | { readonly kind: "hang" }
  /** Reaches the engine after a while. */
  | { readonly kind: "delay"; readonly milliseconds: number }
  /** Reaches the engine at once, and is answered after a while. */
  | { readonly kind: "late-answer"; readonly milliseconds: number }
  /**
   * Fails at once with `connection-lost`, effect `unknown`, and reaches the engine after a while: the write that lands on
   * top of a newer one. Its fence stops it, unless `fence` is `false`.
   */
  | { readonly kind: "late-apply"; readonly milliseconds: number; readonly fence?: boolean };

/** Decides for each request of a driver what goes wrong with it: nothing, where it returns `undefined`. */
export type FaultSchedule = (call: FaultyCall) => CallFault | undefined;
