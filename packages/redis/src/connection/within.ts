import type { DriverRequest } from "@manykv/core";
import { FaultError } from "../fault-error.js";

/** Waits for a promise, but no longer than the request lives: then nothing was sent for it. */
export function within<Value>({ signal }: DriverRequest, promise: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const expire = (): void => reject(new FaultError(connecting));
    const off = (): void => signal.removeEventListener("abort", expire);
    signal.addEventListener("abort", expire);
    promise.then(resolve, reject).then(off);
    if (signal.aborted) expire();
  });
}

const connecting = Object.freeze({
  code: "timeout",
  retryable: true,
  effect: "none",
  reason: "connecting",
} as const);
