import { type Fault, StoreError } from "@manykv/core";
import { FaultError } from "./fault-error.js";

/** What a request rejected with, in manykv's terms. */
export function classify(error: unknown): Fault {
  if (error instanceof FaultError) return error.fault;
  if (StoreError.is(error)) return { code: error.code, retryable: false, effect: "none" };
  // A defect of this driver: what was sent by then is not known.
  return { code: "internal", retryable: false, effect: "unknown" };
}
