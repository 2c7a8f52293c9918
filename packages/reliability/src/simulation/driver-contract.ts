import type { Driver, KeysRequest, SetRequest } from "@manykv/core";
import type { Truth } from "./truth.js";

/** Notes where core breaks what `Driver` says that a driver can rely on. */
export function checkRequest(
  truth: Truth,
  driver: Driver & { readonly closed: boolean },
  request: KeysRequest,
  kind: "get" | "set" | "delete",
): void {
  const { keys } = request;
  const { maxKeys, maxBytes } = driver.limits[kind];
  const broken = (text: string): void => {
    truth.broken.push(`${kind}: ${text}`);
  };
  if (driver.closed) broken("a request after close()");
  if (keys.length === 0) broken("a request without keys");
  if (keys.length > maxKeys) broken(`${keys.length} keys where ${maxKeys} is the limit`);
  if (new Set(keys).size !== keys.length) broken("a key twice in one request");
  if (request.signal.aborted) broken("a request whose signal has fired already");
  if (Number.isNaN(request.deadline)) broken("a deadline that is no number");
  const { values = [] } = request as Partial<SetRequest>;
  if (kind === "set" && values.length !== keys.length) broken("another number of values than of keys");
  const bytes = [...keys, ...values].reduce((sum, part) => sum + part.length, 0);
  if (keys.length > 1 && bytes > maxBytes) broken(`${bytes} bytes where ${maxBytes} is the limit`);
}
