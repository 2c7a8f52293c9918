import type { Driver, KeysRequest, RequestLimits } from "@manykv/core/driver";
import type { Oracle } from "./oracle.js";

export type RequestKind = "get" | "set" | "setIfAbsent" | "delete" | "increment" | "compareAndSwap";

/** Adds a message to `oracle.broken` for each rule of the `Driver` interface that a request from core breaks. */
export function checkRequest(
  oracle: Oracle,
  driver: Driver & { readonly closed: boolean },
  request: KeysRequest,
  kind: RequestKind,
  values: readonly Uint8Array[] = [],
): void {
  const { keys } = request;
  const { maxKeys, maxBytes } = limitsOf(driver, kind);
  const broken = (text: string): void => {
    oracle.broken.push(`${kind}: ${text}`);
  };
  if (driver.closed) broken("core sent a request after close()");
  if (keys.length === 0) broken("core sent a request without keys");
  if (keys.length > maxKeys) broken(`core sent ${keys.length} keys, more than the limit of ${maxKeys}`);
  if (new Set(keys).size !== keys.length) broken("core sent a key more than once in one request");
  if (request.aborted) broken("core sent a request that is already aborted");
  if (Number.isNaN(request.deadline)) broken("core sent a deadline that is not a number");
  if ((kind === "set" || kind === "setIfAbsent") && values.length !== keys.length)
    broken("core sent different numbers of keys and values");
  const bytes = [...keys, ...values].reduce((sum, part) => sum + part.length, 0);
  if (keys.length > 1 && bytes > maxBytes) broken(`core sent ${bytes} bytes, more than the limit of ${maxBytes}`);
}

function limitsOf({ limits }: Driver, kind: RequestKind): RequestLimits {
  // A request for one key has no separate limits.
  if (kind === "increment" || kind === "compareAndSwap") return { maxKeys: 1, maxBytes: Number.POSITIVE_INFINITY };
  return limits[kind] ?? limits.set;
}
