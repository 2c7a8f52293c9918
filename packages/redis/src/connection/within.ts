import { type DriverRequest, isAborted, onAbort } from "@manykv/core";
import { FaultError } from "../fault-error.js";

/** Waits for a promise, but no longer than the request lives: then nothing was sent for it. */
export function within<Value>(request: DriverRequest, promise: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const expire = (): void => reject(new FaultError(connecting));
    const off = onAbort(request, expire);
    promise.then(resolve, reject).then(off);
    if (isAborted(request)) expire();
  });
}

const connecting = Object.freeze({
  code: "timeout",
  retryable: true,
  effect: "none",
  reason: "connecting",
} as const);
