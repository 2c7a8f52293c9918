import type { Fault, StoreErrorCode } from "@manykv/core";
import { FaultError } from "./fault-error.js";
import { isSqlState, nodeCodeOf } from "./protocol/error-codes.js";
import { ExchangeError, type ExchangeFailure } from "./protocol/exchange-failure.js";
import { UnsupportedClient } from "./protocol/unsupported-client.js";

type Row = Pick<Fault, "retryable" | "effect"> & { readonly code: StoreErrorCode };

/** The server refused the statement, or rolled it back: nothing of it is there. */
const refused = (code: StoreErrorCode): Row => ({ code, retryable: false, effect: "none" });
/** As `refused`, by what may pass. */
const passing = (code: StoreErrorCode): Row => ({ code, retryable: true, effect: "none" });
/** The answer is lost. */
const lost: Row = { code: "connection-lost", retryable: true, effect: "unknown" };

/** The attempt's time was over before anything was sent. */
export const overdue: Fault = passing("timeout");

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const byState: Readonly<Record<string, Row>> = {
  // Two transactions got in each other's way, and this one gave in. The first needs another isolation than the default.
  "40001": passing("throttled"),
  "40P01": passing("throttled"),
  // `lock_timeout`.
  "55P03": passing("throttled"),
  // `statement_timeout`, or somebody cancelled the statement; `transaction_timeout`.
  "57014": passing("timeout"),
  "25P04": passing("timeout"),
  // The disk or the memory is full.
  "53100": passing("throttled"),
  "53200": passing("throttled"),

  // Too many connections: of the server, the database or the role.
  "53300": passing("unavailable"),
  // The server shuts down or crashed, starts up or recovers, or ended the session.
  "57P01": passing("unavailable"),
  "57P02": passing("unavailable"),
  "57P03": passing("unavailable"),
  "57P05": passing("unavailable"),
  // A standby, which the primary of before becomes in a failover, or a database that is set to read only.
  "25006": passing("unavailable"),
  // The disk gave an error.
  "58030": passing("unavailable"),

  // The database, the schema, the table.
  "3D000": refused("no-such-store"),
  "3F000": refused("no-such-store"),
  "42P01": refused("no-such-store"),
  "57P04": refused("no-such-store"),

  // Password, pg_hba.conf or role; permission.
  "28P01": refused("access-denied"),
  "28000": refused("access-denied"),
  "42501": refused("access-denied"),

  // The table has other columns, columns of other types, or no unique index on `key`.
  "42703": refused("invalid-argument"),
  "42804": refused("invalid-argument"),
  "42883": refused("invalid-argument"),
  "42P10": refused("invalid-argument"),

  // Over a limit of the server's own.
  "54000": refused("too-large"),

  // What ended the statement cannot say how.
  "40003": lost,
};

/** An error of class 08 comes from a pooler, which has lost the server: the statement may be done. */
const connectionClass = /^08/;

/** The fault of a request whose exchange failed, `direct` where nothing stands between client and server. */
export function faultOfExchange(failure: ExchangeFailure, direct: boolean): Fault {
  const { state, nodeCode, abandoned, sent, completed, free, inTransaction } = failure;
  if (inTransaction) return { ...refused("internal"), reason: "the connection was inside a transaction" };
  if (abandoned) return { ...overdue, effect: sent ? "unknown" : "none" };
  if (state === undefined) return sent ? { ...lost, reason: nodeCode } : notConnected(nodeCode);
  const fault = faultOfState(state);
  // Rolled back for certain: the server is ready for the next statement, or said no before the statement was done.
  const settled = free || (direct && !completed);
  return settled || fault.effect === "unknown" ? fault : { ...fault, effect: "unknown" };
}

/** The fault of a request for which there was no connection. Nothing was sent, so no write has happened. */
export function faultOfConnecting(error: unknown): Fault {
  const { code, message, severity } = (error ?? {}) as Partial<Record<string, unknown>>;
  // What the server said has a severity; a code of Node's may look like an SQLSTATE (`EPIPE`).
  if (severity !== undefined && isSqlState(code)) return { ...faultOfState(code), effect: "none" };
  // pg's own checks during authentication, and the time-outs of its pool, have texts and no codes.
  const text = String(message);
  if (text.startsWith("SASL")) return { ...refused("access-denied"), reason: "SASL" };
  if (text.startsWith("timeout exceeded")) return { ...passing("unavailable"), reason: "no free connection" };
  return notConnected(nodeCodeOf(error));
}

/** Certificates and protocols do not mend themselves. */
const tlsFailure = /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|EPROTO|HOSTNAME_MISMATCH)/;

function notConnected(nodeCode: string | undefined): Fault {
  const permanent = nodeCode !== undefined && tlsFailure.test(nodeCode);
  return { ...(permanent ? refused : passing)("unavailable"), reason: nodeCode };
}

function faultOfState(state: string): Fault {
  const row = byState[state] ?? (connectionClass.test(state) ? lost : refused("internal"));
  return { ...row, reason: state };
}

/** A request's error in manykv's terms. */
export function classify(error: unknown): Fault {
  if (error instanceof FaultError) return error.fault;
  if (error instanceof ExchangeError) return faultOfExchange(error.failure, false);
  if (error instanceof UnsupportedClient)
    return { ...refused("invalid-argument"), reason: "unsupported pg client" };
  return { code: "internal", retryable: false, effect: "unknown" };
}
