import { createHash } from "node:crypto";
import { Statement } from "../protocol/statement.js";
import { maxStoredKeyBytes } from "./stored-key.js";

/** Maximum number of keys on one page of a listing, and of buckets on one page of `listBuckets`. */
export const pageKeys = 1_000;

/** Maximum number of expired rows that one statement deletes. */
export const sweptRows = 1_000;

/** The columns of the table: `expiring` with `expires_at` and `sweep_at`, or `plain` as earlier versions created it. */
export type Layout = "expiring" | "plain";

type Name =
  | `${"get" | "exists" | "delete"}${"One" | "Many"}`
  /**
   * Returns the first keys from `$1` (inclusive) to `$2` (exclusive): at most one more than a page. Returns no row if any
   * row of the table may have expired, and otherwise reads only the index of the keys.
   */
  | "list"
  /** Returns the same keys, even if rows may have expired. With each key, returns 1 if rows may have, and otherwise 0. */
  | "listLive"
  /** Returns the first key of each bucket from `$1` (inclusive): at most one more than a page. */
  | "listBuckets"
  /** `$1` is the key, `$2` the expected value and `$3` the new value. Return a row of {@link swapStates} if a row exists. */
  | "swap"
  | "swapToNothing"
  /** Requires the column `expires_at`, like the ones below. Returns the key, its expiry and the time. */
  | "ttl"
  /** `$3` is the time to live of all keys in milliseconds, or an array of times and nulls. */
  | "setOneWithTtl"
  | "setManyWithTtl"
  | "setManyWithTtls"
  /** Like `Writes.setIfAbsent`, with an array of times and nulls as `$3`. */
  | "setIfAbsentWithTtls"
  /** Like `Writes.increment`, with the time to live of a new key in milliseconds as `$3`. */
  | "incrementWithTtl"
  /** Deletes some expired rows whose `sweep_at` is at most `$1` minutes from now, and returns their number. */
  | "sweep";

/** Writes whose SQL differs between the layouts. */
export interface Writes {
  readonly setOne: Statement;
  readonly setMany: Statement;
  /** Returns each key that it did not set, and 1 if the key existed when the statement began, otherwise 0. */
  readonly setIfAbsent: Statement;
  /** Adds `$2` to the integer of the key `$1` and returns the result. Returns no row if the value is not an integer. */
  readonly increment: Statement;
  /** SQLSTATE with which the server rejects these statements, before it runs them, if the table has the other layout. */
  readonly otherLayout: string;
}

/** Statements for one key and for many keys. `$1` is the key or the array of keys; `$2` is the value or the values. */
export type Statements = Readonly<Record<Name, Statement>> & { readonly writes: Readonly<Record<Layout, Writes>> };

/** The first column of the result of a swap: whether it changed the value, or why not. The second is the current value. */
export const swapStates = { differs: 0, swallowed: 1, swapped: 2 } as const;

/** Each name that another part of a statement uses ends in `$`, because no name of a table contains this character. */
export function statementsFor(table: string): Statements {
  const swap = (change: string): string =>
    `WITH found$ AS (SELECT key, value ${onBoth(`SELECT key, value FROM ${table} WHERE key = $1::bytea AND ${isLive} FOR UPDATE`)}), ` +
    `changed$ AS (${change} WHERE key = (SELECT key FROM found$ WHERE value = $2::bytea) RETURNING key) ` +
    `SELECT CASE WHEN value <> $2::bytea THEN ${swapStates.differs} WHEN EXISTS (SELECT 1 FROM changed$) ` +
    `THEN ${swapStates.swapped} ELSE ${swapStates.swallowed} END, ` +
    "CASE WHEN value <> $2::bytea THEN value ELSE ''::bytea END FROM found$";
  const page = (limit: string, condition = "true"): string =>
    `${table} WHERE key >= $1::bytea AND key < (SELECT $2::bytea) AND ${keyIsShort} AND ${valueIsBytes} AND ${condition} ` +
    `ORDER BY key LIMIT ${limit}`;
  const firstLive = (bound: string): string =>
    `SELECT key ${onBoth(
      `SELECT key FROM ${table} WHERE key >= ${bound} AND ${keyIsShort} AND ${valueIsBytes} AND ${isLive} ORDER BY key LIMIT 1`,
    )}`;
  return {
    getOne: named(
      "get",
      `SELECT value ${onBoth(`SELECT value FROM ${table} WHERE key = $1::bytea AND ${hasValue} AND ${isLive}`)}`,
    ),
    getMany: named(
      "get_many",
      `SELECT key, value ${onBoth(`SELECT key, value FROM ${table} WHERE ${isWanted} AND ${hasValue} AND ${isLive}`)}`,
    ),
    existsOne: named(
      "exists",
      `SELECT 1 ${onBoth(`SELECT 1 FROM ${table} WHERE key = $1::bytea AND ${valueIsBytes} AND ${isLive}`)}`,
    ),
    existsMany: named("exists_many", existsMany(table)),
    ttl: named(
      "ttl",
      "SELECT key, coalesce(expires_at, 'infinity'), statement_timestamp() " +
        `FROM ${table} WHERE ${isWanted} AND ${valueIsBytes} AND ${isLive}`,
    ),
    // Returns the key if it existed and this statement did not delete it. Another session may have deleted it.
    deleteOne: named(
      "delete",
      `WITH gone$ AS (DELETE FROM ${table} WHERE key = $1::bytea AND ${valueIsBytes} RETURNING key) SELECT key ${onBoth(
        `SELECT key FROM ${table} WHERE key = $1::bytea AND NOT EXISTS (SELECT 1 FROM gone$) AND ${isLive}`,
      )}`,
    ),
    // Returns the keys that existed and were not deleted. DELETE locks rows in any order. To avoid deadlocks, `found$`
    // locks them first, in the order of the keys.
    deleteMany: named(
      "delete_many",
      `WITH found$ AS (SELECT key, is_live ${onBoth(
        `SELECT key, ${isLive} AS is_live FROM ${table} WHERE ${isWanted} AND ${valueIsBytes} ORDER BY key FOR UPDATE`,
      )}), gone$ AS (DELETE FROM ${table} WHERE key = ANY (ARRAY(SELECT key FROM found$)) RETURNING key) ` +
        "SELECT key FROM found$ WHERE is_live AND key NOT IN (SELECT key FROM gone$)",
    ),
    // Subqueries hide the end of the range and the limit from the planner. If it knew them, it would often plan each page
    // anew, which takes longer than the execution, or it would read and sort all rows of the bucket.
    list: named(
      "list",
      `SELECT key FROM ${page(`CASE WHEN ${mayHaveExpired(table)} THEN 0 ELSE ${pageKeys + 1} END`)}`,
    ),
    listLive: named(
      "list_live",
      `SELECT key, (${mayHaveExpired(table)})::int4 ${onBoth(`SELECT key FROM ${page(`(SELECT ${pageKeys + 1})`, isLive)}`)}`,
    ),
    // Each step skips the rest of the bucket that the previous step found.
    listBuckets: named(
      "list_buckets",
      `WITH RECURSIVE first$ AS (SELECT (${firstLive("$1::bytea")}) AS key UNION ALL ` +
        `SELECT (${firstLive(endOfBucket("first$.key"))}) FROM first$ WHERE first$.key IS NOT NULL) ` +
        `SELECT key FROM first$ WHERE key IS NOT NULL LIMIT ${pageKeys + 1}`,
    ),
    // `found$` locks the row, so that no other session changes the value between the comparison and the change.
    swap: named("swap", swap(`UPDATE ${table} SET value = $3::bytea`)),
    swapToNothing: named("swap_to_nothing", swap(`DELETE FROM ${table}`)),
    setOneWithTtl: named("set_with_ttl", setWithTtl(table, expiringRows(entry, afterOnce, sweepOnce), afterOnce)),
    setManyWithTtl: named(
      "set_many_with_ttl",
      setWithTtl(table, expiringRows(entries, afterOnce, sweepOnce), afterOnce),
    ),
    setManyWithTtls: named(
      "set_many_with_ttls",
      setWithTtl(table, expiringRows(entriesWithTtls, after("ttl"), sweepAfter("ttl")), after(ttlOfEntry)),
    ),
    setIfAbsentWithTtls: named(
      "set_if_absent_with_ttls",
      setIfAbsent(table, expiringRows(entriesWithTtls, after("ttl"), sweepAfter("ttl")), after(ttlOfEntry)),
    ),
    incrementWithTtl: named("increment_with_ttl", increment(table, afterOnce, sweepOnce)),
    // Skips rows that another session is writing or deleting.
    sweep: named(
      "sweep",
      `WITH gone$ AS (DELETE FROM ${table} WHERE key = ANY (ARRAY(SELECT key FROM ${table} WHERE ${valueIsBytes} ` +
        "AND expires_at <= statement_timestamp() AND sweep_at <= statement_timestamp() + interval '1 minute' * $1::int8 " +
        `ORDER BY sweep_at LIMIT ${sweptRows} FOR UPDATE SKIP LOCKED)) RETURNING key) SELECT count(*)::int4 FROM gone$`,
    ),
    writes: { expiring: expiringWrites(table), plain: plainWrites(table) },
  };
}

function expiringWrites(table: string): Writes {
  const overwrite =
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = NULL, sweep_at = NULL " +
    `WHERE ${storedIsBytes}`;
  return {
    setOne: named("set", `${insert(table, "plain", entry)} ${overwrite}`),
    // Writes in the order of the arrays. If the keys are sorted, the server locks rows in the order of the keys.
    setMany: named("set_many", `${insert(table, "plain", entries)} ${overwrite}`),
    setIfAbsent: named("set_if_absent", setIfAbsent(table, expiringRows(entries, never, never), never)),
    increment: named("increment", increment(table, never, never)),
    otherLayout: "42703",
  };
}

/**
 * Each statement begins with a query that is ambiguous, and therefore rejected, if the table has a column `sweep_at`:
 * without that column, the statement would not remove an expiry. The server never executes the query.
 */
function plainWrites(table: string): Writes {
  const isPlain = `plain$ AS (SELECT sweep_at FROM (SELECT 1 AS sweep_at) AS none$, ${table})`;
  const overwrite = `ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE ${storedIsBytes}`;
  return {
    setOne: named("set", `WITH ${isPlain} ${insert(table, "plain", entry)} ${overwrite}`),
    setMany: named("set_many", `WITH ${isPlain} ${insert(table, "plain", entries)} ${overwrite}`),
    setIfAbsent: named(
      "set_if_absent",
      `WITH ${isPlain}, written$ AS (${insert(table, "plain", entries)} ON CONFLICT (key) DO NOTHING RETURNING key) ` +
        notWritten(table),
    ),
    increment: named(
      "increment",
      `WITH ${isPlain} ${insert(table, "plain", `VALUES ($1::bytea, ${asBytes("$2::int8")})`)} ON CONFLICT (key) ` +
        `DO UPDATE SET value = ${asBytes(`${storedInteger} + $2::int8`)} WHERE ${storedIsBytes} AND ${storedIsInteger} ` +
        "RETURNING encode(value, 'escape')::int8",
    ),
    otherLayout: "42702",
  };
}

/** @param expiryOfStored - the new expiry of a stored row that conflicts */
function setWithTtl(table: string, rows: string, expiryOfStored: string): string {
  return (
    `${insert(table, "expiring", rows)} ON CONFLICT (key) DO UPDATE ` +
    `SET value = excluded.value, expires_at = ${expiryOfStored}, sweep_at = excluded.sweep_at WHERE ${storedIsBytes}`
  );
}

function setIfAbsent(table: string, rows: string, expiry: string): string {
  return (
    `WITH written$ AS (${insert(table, "expiring", rows)} ON CONFLICT (key) DO UPDATE SET value = excluded.value, ` +
    `expires_at = ${expiry}, sweep_at = excluded.sweep_at WHERE ${storedIsBytes} AND ${storedIsExpired} RETURNING key) ` +
    notWritten(table)
  );
}

/** The end of `setIfAbsent`. Reads the table as it was before the statement. */
function notWritten(table: string): string {
  return `SELECT key, (EXISTS (SELECT 1 ${onBoth(
    `SELECT 1 FROM ${table} WHERE key = wanted$.key AND ${valueIsBytes} AND ${isLive}`,
  )}))::int4 FROM unnest($1::bytea[]) AS wanted$ (key) WHERE key NOT IN (SELECT key FROM written$)`;
}

/** Reads the clock once, so that value and expiry agree on whether the key has expired. */
function increment(table: string, expiry: string, sweep: string): string {
  const row = `SELECT $1::bytea AS key, ${asBytes("$2::int8")} AS value`;
  return (
    `${insert(table, "expiring", expiringRows(row, expiry, sweep))} ON CONFLICT (key) DO UPDATE ` +
    `SET (value, expires_at, sweep_at) = (SELECT ` +
    `${asBytes(`CASE WHEN is_expired THEN 0 ELSE ${storedInteger} END + $2::int8`)}, ` +
    `CASE WHEN is_expired THEN ${expiry} ELSE stored.expires_at END, ` +
    "CASE WHEN is_expired THEN excluded.sweep_at ELSE stored.sweep_at END " +
    `FROM (SELECT ${storedIsExpired} AS is_expired) AS clock) ` +
    `WHERE ${storedIsBytes} AND (${storedIsExpired} OR ${storedIsInteger}) RETURNING encode(value, 'escape')::int8`
  );
}

/**
 * Adds the columns `expires_at` and `sweep_at` to the rows of a query.
 *
 * `sweep_at` is the expiry, rounded up to a full minute, and is only an estimate. Only this column has an index. If a key
 * is written again within the minute, the index does not change, which makes the write faster:
 * https://www.postgresql.org/docs/current/storage-hot.html
 */
function expiringRows(rows: string, expiry: string, sweep: string): string {
  return `SELECT key, value, ${expiry}, ${sweep} FROM (${rows}) AS entry`;
}

/** Returns the `sweep_at` of a row. Uses the time at which the statement began, so it may be earlier than the expiry. */
function sweepAfter(ttl: string): string {
  return `date_trunc('minute', statement_timestamp() + interval '1 millisecond' * ${ttl}) + interval '1 minute'`;
}

/** The same for all rows of a statement. The server evaluates the subqueries once. */
const afterOnce = "clock_timestamp() + (SELECT interval '1 millisecond' * $3::int8)";
const sweepOnce = `(SELECT ${sweepAfter("$3::int8")})`;

function insert(table: string, layout: Layout, rows: string): string {
  return `INSERT INTO ${table} AS stored (key, value${layout === "expiring" ? ", expires_at, sweep_at" : ""}) ${rows}`;
}

/**
 * Makes a query work on tables with and without the column `expires_at`. In `rows`, this name means the column of the
 * table if there is one, and otherwise the null outside. The server removes the outer query when it plans the statement.
 * After `ALTER TABLE`, it analyzes prepared statements again.
 */
function onBoth(rows: string): string {
  return `FROM (SELECT NULL::timestamptz AS expires_at, NULL::timestamptz AS sweep_at) AS none, LATERAL (${rows}) AS live`;
}

/** As long as no row has expired, the query reads only the index of the keys, which does not contain the expiry. */
function existsMany(table: string): string {
  const rows = (condition: string): string =>
    `SELECT key FROM ${table} WHERE ${keyIsIn(`FROM expired$ WHERE ${condition}`)} AND ${valueIsBytes}`;
  return `WITH expired$ AS (SELECT ${mayHaveExpired(table)} AS found) SELECT key ${onBoth(
    `${rows("NOT found")} UNION ALL ${rows("found")} AND ${isLive}`,
  )}`;
}

/**
 * Returns a condition that is true if any row of the table may have expired. The `sweep_at` of an expired row is at most
 * one minute from now.
 */
function mayHaveExpired(table: string): string {
  return `EXISTS (SELECT 1 ${onBoth(
    `SELECT 1 FROM ${table} WHERE sweep_at <= statement_timestamp() + interval '1 minute' ORDER BY sweep_at LIMIT 1`,
  )})`;
}

const isLive = "(expires_at <= statement_timestamp()) IS NOT TRUE";
/** Reads the clock when the row is locked, which may be long after the statement began. */
const storedIsExpired = "stored.expires_at <= clock_timestamp()";

/** Returns the time that is `ttl` milliseconds after now. Exact to the microsecond for a `ttl` of up to 285 years. */
function after(ttl: string): string {
  return `clock_timestamp() + interval '1 millisecond' * ${ttl}`;
}

const never = "NULL::timestamptz";

const entry = "SELECT $1::bytea AS key, $2::bytea AS value";
const entries = "SELECT unnest($1::bytea[]) AS key, unnest($2::bytea[]) AS value";
const entriesWithTtls = `${entries}, unnest($3::int8[]) AS ttl`;
/**
 * The time to live of the entry that conflicts with a stored row, found by binary search in the sorted keys. The time
 * that `expiringRows` computed may be too early, because the statement may have waited for a lock since.
 */
const ttlOfEntry = "($3::int8[])[width_bucket(excluded.key, $1::bytea[])]";

const storedInteger = "encode(stored.value, 'escape')::int8";
const storedIsInteger =
  "CASE WHEN octet_length(stored.value) > 20 THEN false " +
  "WHEN encode(stored.value, 'escape') ~ '^(0|-?[1-9][0-9]{0,18})$' THEN " +
  "encode(stored.value, 'escape')::numeric BETWEEN -9223372036854775808 AND 9223372036854775807 ELSE false END";

function asBytes(integer: string): string {
  return `decode((${integer})::text, 'escape')`;
}

/** Returns the bucket of a key, with a semicolon: see `pageRange`. For a key without a bucket, returns the next key. */
function endOfBucket(key: string): string {
  const colon = `position(':'::bytea IN ${key})`;
  return `CASE WHEN ${colon} = 0 THEN ${key} || decode('00', 'hex') ELSE substring(${key} FROM 1 FOR ${colon} - 1) || ';'::bytea END`;
}

const keyIsShort = `octet_length(key) <= ${maxStoredKeyBytes}`;

/**
 * Finds all keys with one scan of the index. A join with the array takes twice as long. The subquery hides the array
 * from the planner, which would otherwise estimate the rows for each element. That takes longer than the scan.
 *
 * @param source - a FROM clause. If it has no row, the condition is false for every key.
 */
function keyIsIn(source: string): string {
  return `key = ANY (ARRAY(SELECT unnest($1::bytea[]) ${source}))`;
}

const isWanted = keyIsIn("");

/**
 * A condition that makes the server reject the statement unless `value` is `bytea`: the table then belongs to another
 * program, and a `text` column would return bytes as hexadecimal text. The server removes the condition when it plans the
 * statement, so it need not read the column.
 */
const valueIsBytes = "(value = ''::bytea OR true)";

/** Only tables of other programs contain nulls. */
const hasValue = `value IS NOT NULL AND ${valueIsBytes}`;

/** The same for both columns of a stored row. An `INSERT` would turn bytes into `text` if a column has this type. */
const storedIsBytes = "(stored.key = ''::bytea OR stored.value = ''::bytea OR true)";

/** Creates a statement. Its name contains a hash, as other tables or versions of manykv may use the same connection. */
function named(verb: string, text: string): Statement {
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 16);
  return new Statement(text, `manykv_${verb}_${digest}`);
}
