import { BatchError, StoreError, type StoreErrorCode } from "@manykv/core";
import type { Failure } from "./calls.js";

/** What a component learns about a failure. The messages of stores may name servers, which are no business of a component. */
const sentences: { readonly [Code in StoreErrorCode]: string } = {
  "invalid-argument": "a key, a value, a cursor or an option is invalid",
  "too-large": "a key or a value is too large",
  throttled: "the store has no capacity at the moment, try again later",
  timeout: "the call did not finish in time",
  aborted: "the host stopped the call",
  "connection-lost": "the connection to the store broke during the call",
  unavailable: "the store cannot be reached",
  closed: "the host closed the store",
  "no-such-store": "the store does not exist",
  "access-denied": "the host has no access to the store",
  "precondition-failed": "the key exists, or the result does not fit in 64 bits",
  "wrong-type": "the value is not an integer in decimal text, or another program stored data of another type",
  unsupported: "the store cannot do this",
  internal: "the store failed",
};

/** Thrown by the host itself. Its message is for components. */
export class HostError extends Error {
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Turns anything that was thrown into what a component may learn about it. */
export function toFailure(error: unknown): Failure {
  if (error instanceof HostError) return { code: error.code, message: `${error.code}: ${error.message}` };
  const code = StoreError.is(error) && Object.hasOwn(sentences, error.code) ? error.code : "internal";
  return { code, message: `${code}: ${sentences[code]}${countsOf(error)}` };
}

/** Returns what became of the entries of a batch that failed, such as `(100 entries: 60 written, 40 not written)`. */
function countsOf(error: unknown): string {
  if (!BatchError.is(error)) return "";
  const { applied, "not-applied": notApplied, unknown } = error.counts;
  const size = applied + notApplied + unknown;
  if (size < 2) return unknown === 1 ? " (the write may have been applied)" : "";
  return ` (${size} entries: ${applied} applied, ${notApplied} not applied, ${unknown} unknown)`;
}
