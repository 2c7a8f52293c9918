import type { StoreErrorCode } from "@manykv/core";
import { type Fault, FaultError } from "@manykv/core/driver";
import { ExchangeError, type ExchangeFailure, isSqlState, nodeCodeOf } from "./protocol/exchange.js";
import { type PoolerRefusal, poolerRefusal } from "./protocol/pooler-refusal.js";

type Row = Pick<Fault, "retryable" | "effect"> & { readonly code: StoreErrorCode };

/** The server rejected the statement or rolled it back, so the statement had no effect. */
const refused = (code: StoreErrorCode): Row => ({ code, retryable: false, effect: "none" });
/** Like `refused`, but the request may succeed later. */
const temporary = (code: StoreErrorCode): Row => ({ code, retryable: true, effect: "none" });
/** The reply was lost, so the effect of the statement is unknown. */
const lost: Row = { code: "connection-lost", retryable: true, effect: "unknown" };

/** The fault of a request that was aborted before anything was sent. */
export const timedOut: Fault = temporary("timeout");

/** Why a request got no connection. The server may not respond, or other requests use all connections. */
export const noFreeConnection =
  "no free connection: check that the server responds, make fewer calls at a time, or raise `max` of the pool";

/** The fault of a request that waited for a connection as long as the pool allows. */
export const noClientInTime: Fault = { ...temporary("unavailable"), reason: noFreeConnection };

/** Faults by SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const rowsByStates: readonly (readonly [states: string, row: Row])[] = [
  // Another transaction conflicted (serialization failure, deadlock, `lock_timeout`). The disk or the memory is full.
  ["40001 40P01 55P03 53100 53200", temporary("throttled")],
  // `statement_timeout`, a canceled statement, or `transaction_timeout`.
  ["57014 25P04", temporary("timeout")],
  // The server, the database or the role has too many connections. The server is starting or shutting down, crashed, or
  // ended the session. The server is read-only, such as a former primary after a failover. The disk reported an error.
  ["53300 57P01 57P02 57P03 57P05 25006 58030", temporary("unavailable")],
  // The database, the schema or the table does not exist.
  ["3D000 57P04 3F000 42P01", refused("no-such-store")],
  // The password is wrong, the role is unknown, `pg_hba.conf` forbids the connection, or a permission is missing.
  ["28P01 28000 42501", refused("access-denied")],
  // The table lacks a column, a column has another type, `key` has no unique index, or the table has a rule.
  ["42703 42804 42883 42P10 0A000", refused("invalid-argument")],
  // A constraint or a trigger of the table rejects an entry.
  ["23000 23001 23502 23503 23505 23514 23P01 P0001 44000", refused("invalid-argument")],
  // A limit of the server was exceeded.
  ["54000", refused("too-large")],
  // The server does not know whether the statement completed.
  ["40003", lost],
  // The server does not understand a statement of manykv.
  ["42601", refused("internal")],
];

const rowByState: ReadonlyMap<string, Row> = new Map(
  rowsByStates.flatMap(([states, row]) => states.split(" ").map((state) => [state, row] as const)),
);

/** Faults by class, the first two characters of an SQLSTATE, for the SQLSTATEs that `rowsByStates` does not contain. */
const rowsByClasses: readonly (readonly [classes: string, row: Row])[] = [
  // The server lacks memory, disk space or another resource.
  ["53", temporary("throttled")],
  // An operator intervened.
  ["57", temporary("unavailable")],
  // A constraint, a function, a policy or the kind of the table rejects the statement, for example a read-only view.
  ["09 21 22 23 27 2F 38 39 42 44 55 P0", refused("invalid-argument")],
];

const rowByClass: ReadonlyMap<string, Row> = new Map(
  rowsByClasses.flatMap(([classes, row]) => classes.split(" ").map((each) => [each, row] as const)),
);

/** Matches classes that neither the SQL standard nor Postgres uses: a trigger of the application chose the SQLSTATE. */
const ownState = /^(?!5[3-8]|72|HV|P0|XX)[5-9I-Z]/;

/** A pooler that lost its connection to the server reports class 08. The statement may have been applied. */
const connectionClass = /^08/;

/** @param direct - whether the client is connected to the server without a pooler */
function faultOfExchange(failure: ExchangeFailure, direct: boolean): Fault {
  const { state, aborted, sent, completed, ready } = failure;
  if (ready === "inside a transaction") {
    return { ...refused("internal"), reason: "a client was released to the pool before its transaction ended" };
  }
  if (aborted) return { ...timedOut, effect: sent ? "unknown" : "none" };
  if (failure.unreplicated && state === undefined) return unreplicated;
  if (state === undefined) return faultWithoutState(failure);
  if (failure.refusal !== undefined && !completed) return { ...faultByRefusal[failure.refusal], reason: state };
  const fault = failure.inFunction ? faultInFunction(state) : faultOfState(state);
  // The server rolled back if it is ready again, or if it reported the error before the statement had completed.
  const settled = ready || (direct && !completed);
  return settled || fault.effect === "unknown" ? fault : { ...fault, effect: "unknown" };
}

/** The fault of a write whose wait for synchronous standbys was cancelled: a failover may lose the write. */
const unreplicated: Fault = {
  code: "unavailable",
  retryable: true,
  effect: "unknown",
  reason: "the server did not wait for its synchronous standbys",
};

function faultWithoutState({ nodeCode, problem, sent }: ExchangeFailure): Fault {
  if (problem === "too large for one key") {
    return { code: "internal", retryable: false, effect: "unknown", reason: "the response is too large" };
  }
  if (problem !== undefined) return { ...lost, reason: `the response is ${problem}` };
  return sent ? { ...lost, reason: nodeCode } : notConnected(nodeCode);
}

/** Poolers report these errors before they send the statement to a server. */
const faultByRefusal: Readonly<Record<PoolerRefusal, Row>> = {
  login: refused("access-denied"),
  database: refused("no-such-store"),
  parameter: refused("invalid-argument"),
  busy: temporary("unavailable"),
};

/** Returns the fault of a connection that the server or a pooler refuses. Nothing was sent, so nothing was written. */
function faultOfRefusal(state: string, text: string): Fault {
  const refusal = poolerRefusal(state, text);
  if (refusal === "parameter") {
    const reason = `${state}: the pooler rejects a parameter of \`url\` or \`pool\`: remove it, or ignore it in the pooler`;
    return { ...faultByRefusal.parameter, reason };
  }
  if (refusal !== undefined) return { ...faultByRefusal[refusal], reason: state };
  // The server rejects a setting in `options`, or its value.
  if (state === "42704" || state === "22023") return { ...refused("invalid-argument"), reason: state };
  const fault = faultOfState(state);
  return fault.effect === "none" ? fault : { ...temporary("unavailable"), reason: state };
}

/** Returns the fault of a request that got no connection. Nothing was sent, so nothing was written. */
export function faultOfConnecting(error: unknown): Fault {
  const { code, message, severity } = (error ?? {}) as Partial<Record<string, unknown>>;
  // Only errors of the server have a severity. Some of Node's codes look like an SQLSTATE (`EPIPE`).
  if (severity !== undefined && isSqlState(code)) return faultOfRefusal(code, String(message));
  // Errors that pg itself throws during authentication, and timeouts of its pool, have a message but no code.
  const text = String(message);
  if (text.startsWith("SASL")) return { ...refused("access-denied"), reason: "SASL" };
  if (text.includes("does not support SSL")) return { ...refused("unavailable"), reason: "the server refuses TLS" };
  if (text.startsWith("timeout exceeded")) return noClientInTime;
  if (/connection timeout|timeout expired/.test(text)) {
    return { ...temporary("unavailable"), reason: "the server does not respond while connecting" };
  }
  return notConnected(nodeCodeOf(error));
}

/** Matches codes of certificate and TLS errors. A retry does not fix these errors. */
const tlsFailure = /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|EPROTO|HOSTNAME_MISMATCH)/;

function notConnected(nodeCode: string | undefined): Fault {
  // The process may not use the Unix socket.
  if (nodeCode === "EACCES") return { ...refused("access-denied"), reason: nodeCode };
  const permanent = nodeCode !== undefined && tlsFailure.test(nodeCode);
  return { ...(permanent ? refused : temporary)("unavailable"), reason: nodeCode };
}

function faultOfState(state: string): Fault {
  const row = rowByState.get(state) ?? rowByClass.get(state.slice(0, 2)) ?? unlisted(state);
  return { ...row, reason: state };
}

function unlisted(state: string): Row {
  if (connectionClass.test(state)) return lost;
  return refused(ownState.test(state) ? "invalid-argument" : "internal");
}

/**
 * Returns the fault of an error in a trigger or another function of the table. An SQLSTATE that usually concerns the
 * table, such as that of a missing column, then concerns something that the function uses.
 */
function faultInFunction(state: string): Fault {
  const fault = faultOfState(state);
  if (fault.retryable || fault.code === "access-denied") return fault;
  const reason = `${state} in a function that the table calls: check its triggers, policies and indexes`;
  return { ...fault, code: "invalid-argument", reason };
}

/** Converts an error to a `FaultError`. Omits the text of pg's error, because it may contain keys or passwords. */
export function asFaultError(error: unknown, direct = false): FaultError {
  return FaultError.is(error) ? error : new FaultError(classify(error, direct));
}

export function classify(error: unknown, direct = false): Fault {
  if (FaultError.is(error)) return error.fault;
  if (error instanceof ExchangeError) return faultOfExchange(error.failure, direct);
  return { code: "internal", retryable: false, effect: "unknown" };
}
