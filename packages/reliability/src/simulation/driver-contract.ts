import type { Driver, KeysRequest } from "@manykv/core/driver";
import type { Oracle } from "./oracle.js";

/** Records where core breaks a promise that `Driver` makes to drivers. */
export function checkRequest(
  oracle: Oracle,
  driver: Driver & { readonly closed: boolean },
  request: KeysRequest,
  kind: "get" | "set" | "delete",
  values: readonly Uint8Array[] = [],
): void {
  const { keys } = request;
  const { maxKeys, maxBytes } = driver.limits[kind];
  const broken = (text: string): void => {
    oracle.broken.push(`${kind}: ${text}`);
  };
  if (driver.closed) broken("a request after close()");
  if (keys.length === 0) broken("a request without keys");
  if (keys.length > maxKeys) broken(`${keys.length} keys exceed the limit of ${maxKeys}`);
  if (new Set(keys).size !== keys.length) broken("a key twice in one request");
  if (request.aborted) broken("a request that is aborted already");
  if (Number.isNaN(request.deadline)) broken("a deadline that is not a number");
  if (kind === "set" && values.length !== keys.length) broken("the numbers of keys and values differ");
  const bytes = [...keys, ...values].reduce((sum, part) => sum + part.length, 0);
  if (keys.length > 1 && bytes > maxBytes) broken(`${bytes} bytes exceed the limit of ${maxBytes}`);
}
