import { createHash } from "node:crypto";
import { Statement } from "../protocol/statement.js";
import { maxStoredKeyBytes } from "./stored-key.js";

/** Maximum number of keys on one page of a listing. */
export const pageKeys = 1_000;

type Name =
  | `${"get" | "exists" | "set" | "delete"}${"One" | "Many"}`
  /** Returns the first keys from `$1` (inclusive) to `$2` (exclusive): at most one more than a page. */
  | "list";

/** Statements for one key and for many keys. `$1` is the key or the array of keys; `$2` is the value or the values. */
export type Statements = Readonly<Record<Name, Statement>>;

export function statementsFor(table: string): Statements {
  const onConflict = `ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE (${columnsAreBytes("stored")}) IS NOT FALSE`;
  return {
    getOne: named("get", `SELECT value FROM ${table} WHERE key = $1::bytea AND (${columnsAreBytes(table)})`),
    getMany: named("get_many", `SELECT key, value FROM ${table} WHERE ${isWanted} AND (${columnsAreBytes(table)})`),
    existsOne: named("exists", `SELECT 1 FROM ${table} WHERE key = $1::bytea AND ${valueIsBytes}`),
    existsMany: named("exists_many", `SELECT key FROM ${table} WHERE ${isWanted} AND ${valueIsBytes}`),
    setOne: named("set", `INSERT INTO ${table} AS stored (key, value) VALUES ($1::bytea, $2::bytea) ${onConflict}`),
    // Writes in the order of the arrays. If the keys are sorted, the server locks rows in the order of the keys.
    setMany: named(
      "set_many",
      `INSERT INTO ${table} AS stored (key, value) SELECT unnest($1::bytea[]), unnest($2::bytea[]) ${onConflict}`,
    ),
    // Returns the key if it existed and this statement did not delete it. Another session may have deleted it.
    deleteOne: named(
      "delete",
      `WITH gone AS (DELETE FROM ${table} WHERE key = $1::bytea AND ${valueIsBytes} RETURNING key) ` +
        `SELECT key FROM ${table} WHERE key = $1::bytea AND NOT EXISTS (SELECT 1 FROM gone)`,
    ),
    // Returns the keys that existed and were not deleted. DELETE locks rows in any order. To avoid deadlocks, `found`
    // locks them first, in the order of the keys.
    deleteMany: named(
      "delete_many",
      `WITH found AS (SELECT key FROM ${table} WHERE ${isWanted} AND ${valueIsBytes} ORDER BY key FOR UPDATE), ` +
        `gone AS (DELETE FROM ${table} WHERE key = ANY (ARRAY(SELECT key FROM found)) RETURNING key) ` +
        "SELECT key FROM found WHERE key NOT IN (SELECT key FROM gone)",
    ),
    list: named(
      "list",
      `SELECT key FROM ${table} WHERE key >= $1::bytea AND key < $2::bytea AND octet_length(key) <= ${maxStoredKeyBytes} ` +
        `AND ${valueIsBytes} ORDER BY key LIMIT ${pageKeys + 1}`,
    ),
  };
}

/**
 * Finds all keys with one scan of the index. A join with the array takes twice as long. The subquery hides the array
 * from the planner, which would otherwise estimate the rows for each element. That takes longer than the scan.
 */
const isWanted = "key = ANY (ARRAY(SELECT unnest($1::bytea[])))";

/**
 * Returns a condition that makes the server reject the statement unless both columns are `bytea`. Without it, a `text`
 * column would accept the bytes as hexadecimal text and return that text. The condition takes almost no time.
 *
 * The condition is true for every value, and null if `value` is null. Only tables of other programs contain nulls.
 */
function columnsAreBytes(row: string): string {
  return `${row}.value IS NOT NULL OR (${row}.key <> ''::bytea AND ${row}.value = ''::bytea)`;
}

/**
 * A condition that makes the server reject the statement unless `value` is `bytea`: the table then belongs to another
 * program. The server removes the condition when it plans the statement, so it need not read the column.
 */
const valueIsBytes = "(value = ''::bytea OR true)";

/** Creates a statement. Its name contains a hash, as other tables or versions of manykv may use the same connection. */
function named(verb: string, text: string): Statement {
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 16);
  return new Statement(text, `manykv_${verb}_${digest}`);
}
