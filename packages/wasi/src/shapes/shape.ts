import type { StoreErrorCode } from "@manykv/core";
import type { Answer, Call, Failure } from "../stores/calls.js";

/**
 * The shapes of the interface that components import. `draft` is `wasi:keyvalue@0.2.0-draft`. Two incompatible versions
 * call themselves `wasi:keyvalue@0.2.0-draft2`: `draft2-2024` has the older `get-many`, and `draft2` the one since pull
 * request 55. `wasmcloud-0.2` is the asynchronous `wasmcloud:keyvalue@0.2.0`.
 */
export type Shape = "draft" | "draft2-2024" | "draft2" | "wasmcloud-0.2";

/** The imports of a component, by the name of their interface without its version. */
export type ImportObject = Record<string, Record<string, unknown>>;

/** Makes calls for the classes and functions of a shape. */
export interface Caller {
  readonly call: Call;
  /** Returns the failure of `open` if components may not open an identifier. */
  check(identifier: string): Failure | undefined;
}

/** What an import throws so that the component receives `err(payload)`. Anything else would be a trap. */
export class WitError extends Error {
  readonly payload: WitErrorPayload;

  constructor(payload: WitErrorPayload) {
    super(payload.tag);
    this.payload = payload;
  }
}

/** A case of the variant `error`, or of the variant `cas-error`. */
export interface WitErrorPayload {
  readonly tag: string;
  readonly val?: unknown;
}

/** Turns a failure into the case of a shape's variant `error`. */
export type ToPayload = (failure: Failure) => WitErrorPayload;

/** The variant `error` of `wasi:keyvalue`. */
export const toErrorPayload: ToPayload = ({ code, message }) =>
  code === "no-such-store" || code === "access-denied" ? { tag: code } : { tag: "other", val: message };

/** The cases that `wasmcloud:keyvalue` adds to the variant `error`. */
const namedCases: Partial<Record<StoreErrorCode, string>> = {
  "no-such-store": "no-such-store",
  "access-denied": "access-denied",
  "invalid-argument": "invalid-argument",
  "too-large": "invalid-argument",
  "precondition-failed": "precondition-failed",
  timeout: "timeout",
  "connection-lost": "store-unavailable",
  unavailable: "store-unavailable",
  closed: "store-unavailable",
  throttled: "quota-exceeded",
};

/** The variant `error` of `wasmcloud:keyvalue`. */
export const toNamedErrorPayload: ToPayload = ({ code, message }) => {
  const tag = namedCases[code];
  return tag === undefined ? { tag: "other", val: message } : { tag };
};

/**
 * Returns the value of an answer, after `convert`, or throws what the component receives as the error. Returns a promise
 * for the promise of an answer, so that one definition of a shape serves components with and without JSPI.
 */
export function settle<Value, Result>(
  answer: Answer<Value> | Promise<Answer<Value>>,
  toPayload: ToPayload,
  convert: (value: Value) => Result,
): Result | Promise<Result> {
  if (answer instanceof Promise) return answer.then((settled) => settleNow(settled, toPayload, convert));
  return settleNow(answer, toPayload, convert);
}

function settleNow<Value, Result>(
  answer: Answer<Value>,
  toPayload: ToPayload,
  convert: (value: Value) => Result,
): Result {
  if ("failure" in answer) throw new WitError(toPayload(answer.failure));
  return convert(answer.value);
}
