import type { Fault } from "@manykv/core";

interface ConnectionError {
  readonly name?: string;
  readonly message?: string;
  readonly code?: unknown;
  readonly syscall?: string;
  /** Of an `AggregateError`: one for each address that was tried. */
  readonly errors?: readonly unknown[];
}

/** Errors of a connection that was there: https://nodejs.org/docs/latest/api/errors.html#common-system-errors */
const lostCodes: ReadonlySet<string> = new Set([
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
  "EPROTO",
  "ERR_STREAM_PREMATURE_CLOSE",
]);
/** HTTP that cannot be parsed, HTTP/2 and TLS that broke. */
const lostFamilies = /^(HPE|ERR_HTTP2|ERR_SSL)_/;

/** Certificates that were refused, before anything was sent: https://nodejs.org/docs/latest/api/tls.html#x509-certificate-error-codes */
const certificateCodes = /^(CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|ERR_TLS_CERT_)/;

/** Node's and the SDK's errors of the connection; `undefined` for any other. */
export function connectionFault(error: object): Fault | undefined {
  const { name } = error as ConnectionError;
  const code = codeOf(error);
  if (neverSent(error)) {
    const retryable = !certificateCodes.test(code ?? "");
    return { code: "unavailable", retryable, effect: "none", reason: code ?? "ConnectionTimeout" };
  }
  const lost = code === undefined ? name === "TimeoutError" : lostCodes.has(code) || lostFamilies.test(code);
  return lost
    ? { code: "connection-lost", retryable: true, effect: "unknown", reason: code ?? name }
    : undefined;
}

/** Whether the connection failed before the request could leave. */
export function neverSent(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { name, message, syscall, errors } = error as ConnectionError;
  const code = codeOf(error);
  if (syscall === "connect" || syscall === "getaddrinfo" || certificateCodes.test(code ?? "")) return true;
  if (Array.isArray(errors) && errors.length > 0) return errors.every(neverSent);
  // The SDK gives all its timeouts one name. One whose text has changed counts as sent, which is never wrong.
  return (
    name === "TimeoutError" &&
    /did not establish a connection|without establishing a connection/.test(message ?? "")
  );
}

/** A `DOMException` has a number, which tells nothing that its name does not. */
function codeOf({ code }: ConnectionError): string | undefined {
  return typeof code === "string" ? code : undefined;
}
