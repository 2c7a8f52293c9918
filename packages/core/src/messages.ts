import type { OutcomeCounts } from "./batch-error.js";
import type { Fault } from "./driver.js";
import type { Call } from "./execution/call.js";
import type { Engine } from "./execution/engine.js";
import type { StoreErrorCode } from "./store-error.js";

/** What the reader of a message can do about it. */
const advice: { readonly [Code in StoreErrorCode]: string } = {
  "invalid-argument": "Correct the call.",
  "too-large": "Store less under one key, or split the value.",
  throttled: "The engine has no capacity left: try again later, or give it more.",
  timeout: "The time was over: try again, raise `timeout`, or send less at once.",
  aborted: "The caller's signal fired.",
  "connection-lost": "The connection broke: try again.",
  unavailable: "The engine does not serve now: check that it runs and can be reached, then try again.",
  closed: "The store was closed: open another.",
  "no-such-store": "Check the bucket, table and database names; `provision()` creates what is missing.",
  "access-denied": "Check the credentials and the permissions.",
  internal: "The engine failed in a way that the driver does not know.",
};

/** Which call failed, on what. */
export function describe(engine: Engine, call: Call): string {
  const bucket = call.bucket === "" ? "" : ` on bucket "${call.bucket}"`;
  return `${call.operation}${bucket} (${engine.driver.name})`;
}

export function explain(fault: Pick<Fault, "code" | "reason">): string {
  const reason = fault.reason === undefined ? fault.code : `${fault.code} (${fault.reason})`;
  return `${reason}. ${advice[fault.code]}`;
}

/** `3 of 10 entries not applied, 1 unknown`. */
export function summarize(counts: OutcomeCounts): string {
  const total = counts.applied + counts["not-applied"] + counts.unknown;
  return `${counts["not-applied"]} of ${total} entries not applied, ${counts.unknown} unknown`;
}
