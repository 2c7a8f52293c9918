import type { Fault } from "@manykv/core/driver";

/** Error codes for a lost connection: https://nodejs.org/docs/latest/api/errors.html#common-system-errors */
const lostConnection =
  /^(ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENETDOWN|EPROTO|ERR_STREAM_PREMATURE_CLOSE)$/;
/** Error codes for invalid HTTP, HTTP/2 or TLS data. */
const brokenProtocol = /^(HPE|ERR_HTTP2|ERR_SSL)_/;
/** Error codes for a rejected certificate: https://nodejs.org/docs/latest/api/tls.html#x509-certificate-error-codes */
const rejectedCertificate = /^(CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|ERR_TLS_CERT_)/;
/** The error code for a header with a line break, which Node.js rejects before it sends anything. */
export const invalidHeader = "ERR_INVALID_CHAR";

/** Translates a connection error of Node.js or the SDK to a fault. Returns `undefined` for any other error. */
export function connectionFault(error: object): Fault | undefined {
  const { name, code } = error as NodeJS.ErrnoException;
  // The code of a `DOMException` is a number that adds nothing to the exception's name.
  const reason = typeof code === "string" ? code : undefined;
  if (neverSent(error)) {
    const retryable = !rejectedCertificate.test(reason ?? "");
    return { code: "unavailable", retryable, effect: "none", reason: reason ?? "ConnectionTimeout" };
  }
  const isLost =
    reason === undefined ? name === "TimeoutError" : lostConnection.test(reason) || brokenProtocol.test(reason);
  if (!isLost) return undefined;
  return { code: "connection-lost", retryable: true, effect: "unknown", reason: reason ?? name };
}

/** Returns whether the server sent something else than HTTP, or than TLS if the endpoint starts with `https://`. */
export function isOtherProtocol(error: unknown): boolean {
  const { code } = { ...(error as NodeJS.ErrnoException) };
  return code === "EPROTO" || /^(HPE_INVALID_CONSTANT|ERR_SSL_)/.test(String(code));
}

/** Returns whether the error proves that the request was not sent. */
export function neverSent(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { name, message, code, syscall, errors } = error as NodeJS.ErrnoException & Partial<AggregateError>;
  if (syscall === "connect" || syscall === "getaddrinfo" || code === invalidHeader) return true;
  if (rejectedCertificate.test(String(code))) return true;
  // If a host has several addresses, Node.js reports one error for each address that it tried.
  if (Array.isArray(errors) && errors.length > 0) return errors.every(neverSent);
  // All SDK timeouts have the same name. If the SDK changes these messages, the request counts as sent, which is safe.
  const isConnectTimeout = /did not establish a connection|without establishing a connection/.test(String(message));
  return name === "TimeoutError" && isConnectTimeout;
}
