import type { DriverRequest } from "../driver.js";
import { Request } from "./request.js";

/**
 * Calls `listener` when the request's signal fires, until the function that it gives is called. The same as listening to
 * the signal, but a request that comes from core needs none for it: to make an `AbortSignal` and to listen to it is a
 * tenth of a small request's time.
 */
export function onAbort(request: Pick<DriverRequest, "signal">, listener: () => void): () => void {
  if (request instanceof Request) return request.onAbort(listener);
  const { signal } = request;
  signal.addEventListener("abort", listener);
  return () => signal.removeEventListener("abort", listener);
}

/** Whether the request's signal has fired. */
export function isAborted(request: Pick<DriverRequest, "signal">): boolean {
  return request instanceof Request ? request.aborted : request.signal.aborted;
}
