import type { StoreErrorCode } from "@manykv/core";
import { type Fault, FaultError } from "@manykv/core/driver";
import { ExchangeError, type ExchangeFailure, isSqlState, nodeCodeOf } from "./protocol/exchange.js";

type Row = Pick<Fault, "retryable" | "effect"> & { readonly code: StoreErrorCode };

/** The server refused the statement or rolled it back, so it had no effect. */
const refused = (code: StoreErrorCode): Row => ({ code, retryable: false, effect: "none" });
/** The same, for a cause that may pass. */
const temporary = (code: StoreErrorCode): Row => ({ code, retryable: true, effect: "none" });
/** The reply was lost. */
const lost: Row = { code: "connection-lost", retryable: true, effect: "unknown" };

/** The request was aborted before anything was sent. */
export const timedOut: Fault = temporary("timeout");

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const rowsByStates: readonly (readonly [states: string, row: Row])[] = [
  // Another transaction conflicted with this one (serialization, deadlock, `lock_timeout`). Disk or memory is full.
  ["40001 40P01 55P03 53100 53200", temporary("throttled")],
  // `statement_timeout` or a canceled statement; `transaction_timeout`.
  ["57014 25P04", temporary("timeout")],
  // The server, the database or the role has too many connections. The server shuts down, crashed, starts or recovers, or
  // it ended the session. It is read-only, like the former primary after a failover. Its disk reported an error.
  ["53300 57P01 57P02 57P03 57P05 25006 58030", temporary("unavailable")],
  // The database, the schema or the table does not exist.
  ["3D000 57P04 3F000 42P01", refused("no-such-store")],
  // Password, pg_hba.conf or role; permission.
  ["28P01 28000 42501", refused("access-denied")],
  // The table has other columns, columns of other types, or no unique index on `key`.
  ["42703 42804 42883 42P10", refused("invalid-argument")],
  // A limit of the server was exceeded.
  ["54000", refused("too-large")],
  // The server does not know how the statement ended.
  ["40003", lost],
];

const rowByState: ReadonlyMap<string, Row> = new Map(
  rowsByStates.flatMap(([states, row]) => states.split(" ").map((state) => [state, row] as const)),
);

/** Class 08 comes from a pooler that lost its server. The statement may have been applied. */
const connectionClass = /^08/;

/** @param direct - whether no pooler stands between client and server */
function faultOfExchange(failure: ExchangeFailure, direct: boolean): Fault {
  const { state, nodeCode, aborted, sent, completed, ready } = failure;
  if (ready === "inside a transaction") {
    return { ...refused("internal"), reason: "the pool's client was released inside a transaction" };
  }
  if (aborted) return { ...timedOut, effect: sent ? "unknown" : "none" };
  if (state === undefined) return sent ? { ...lost, reason: nodeCode } : notConnected(nodeCode);
  const fault = faultOfState(state);
  // It was certainly rolled back if the server is ready again, or reported the error before the statement was done.
  const settled = ready || (direct && !completed);
  return settled || fault.effect === "unknown" ? fault : { ...fault, effect: "unknown" };
}

/** Returns the fault of a request that got no connection. Nothing was sent, so nothing was written. */
export function faultOfConnecting(error: unknown): Fault {
  const { code, message, severity } = (error ?? {}) as Partial<Record<string, unknown>>;
  // Errors of the server have a severity. Node's codes may look like an SQLSTATE (`EPIPE`).
  if (severity !== undefined && isSqlState(code)) return { ...faultOfState(code), effect: "none" };
  // pg's own checks during authentication, and the timeouts of its pool, have texts and no codes.
  const text = String(message);
  if (text.startsWith("SASL")) return { ...refused("access-denied"), reason: "SASL" };
  if (text.startsWith("timeout exceeded")) return { ...temporary("unavailable"), reason: "no free connection" };
  return notConnected(nodeCodeOf(error));
}

/** Retrying does not repair certificates and TLS versions. */
const tlsFailure = /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|EPROTO|HOSTNAME_MISMATCH)/;

function notConnected(nodeCode: string | undefined): Fault {
  const permanent = nodeCode !== undefined && tlsFailure.test(nodeCode);
  return { ...(permanent ? refused : temporary)("unavailable"), reason: nodeCode };
}

function faultOfState(state: string): Fault {
  const row = rowByState.get(state) ?? (connectionClass.test(state) ? lost : refused("internal"));
  return { ...row, reason: state };
}

/**
 * Returns a request's error in manykv's terms. It contains nothing of pg's error, whose text may contain keys and
 * passwords.
 */
export function asFaultError(error: unknown, direct = false): FaultError {
  return FaultError.is(error) ? error : new FaultError(classify(error, direct));
}

export function classify(error: unknown, direct = false): Fault {
  if (FaultError.is(error)) return error.fault;
  if (error instanceof ExchangeError) return faultOfExchange(error.failure, direct);
  return { code: "internal", retryable: false, effect: "unknown" };
}
