import { createHash } from "node:crypto";
import { Statement } from "../protocol/statement.js";

/** Keys on one page of a listing. */
export const pageKeys = 1_000;

type Name =
  | `${"get" | "exists" | "set" | "delete"}${"One" | "Many"}`
  /** Returns keys from `$1` up to `$2` without it, one more than a page. */
  | "list";

/** What is done with one key, or with several at a time. `$1` is the key or the array of keys, `$2` the values. */
export type Statements = Readonly<Record<Name, Statement>>;

export function statementsFor(table: string): Statements {
  const onConflict = `ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE (${columnsAreBytes("stored")}) IS NOT FALSE`;
  return {
    getOne: named("get", `SELECT value FROM ${table} WHERE key = $1::bytea AND (${columnsAreBytes(table)})`),
    getMany: named("get_many", `SELECT key, value FROM ${table} WHERE ${isWanted} AND (${columnsAreBytes(table)})`),
    existsOne: named("exists", `SELECT FROM ${table} WHERE key = $1::bytea`),
    existsMany: named("exists_many", `SELECT key FROM ${table} WHERE ${isWanted}`),
    setOne: named("set", `INSERT INTO ${table} AS stored (key, value) VALUES ($1::bytea, $2::bytea) ${onConflict}`),
    // Writes in the order of the arrays, so sorted arrays lock rows in their keys' order.
    setMany: named(
      "set_many",
      `INSERT INTO ${table} AS stored (key, value) SELECT unnest($1::bytea[]), unnest($2::bytea[]) ${onConflict}`,
    ),
    deleteOne: named("delete", `DELETE FROM ${table} WHERE key = $1::bytea`),
    // DELETE locks rows in any order. To avoid deadlocks with other writers, they are locked before, in their keys' order.
    deleteMany: named(
      "delete_many",
      `DELETE FROM ${table} WHERE key = ANY (ARRAY(` +
        `SELECT key FROM ${table} WHERE ${isWanted} ORDER BY key FOR UPDATE))`,
    ),
    list: named(
      "list",
      `SELECT key FROM ${table} WHERE key >= $1::bytea AND key < $2::bytea ORDER BY key LIMIT ${pageKeys + 1}`,
    ),
  };
}

/**
 * One scan of the index finds all keys; a join with them takes twice as long. The subquery hides the array from the planner,
 * which would estimate every element, and that takes longer than the scan.
 */
const isWanted = "key = ANY (ARRAY(SELECT unnest($1::bytea[])))";

/**
 * Costs nearly nothing, but makes the server reject the statement unless the columns are `bytea`. A `text` column would
 * otherwise accept the bytes as hexadecimal text and return that text.
 *
 * It is true for every value, and null for a null, which a table that manykv did not create may contain.
 */
function columnsAreBytes(row: string): string {
  return `${row}.value IS NOT NULL OR (${row}.key <> ''::bytea AND ${row}.value = ''::bytea)`;
}

/** The name depends on the text, because several tables and versions of manykv may share a connection. */
function named(verb: string, text: string): Statement {
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 16);
  return new Statement(text, `manykv_${verb}_${digest}`);
}
