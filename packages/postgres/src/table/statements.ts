import { createHash } from "node:crypto";
import type { Statement } from "../protocol/exchange.js";

/** What is done to a table, a set of keys at a time. */
export interface Statements {
  /** Rows of the keys that are there, and their values. */
  readonly get: Statement;
  /** Rows of the keys that are there. */
  readonly exists: Statement;
  readonly set: Statement;
  readonly delete: Statement;
  /** Rows of keys. */
  readonly list: Statement;
}

export function statementsFor(table: string): Statements {
  return {
    get: named("get", `SELECT key, value FROM ${table} WHERE ${wanted} AND (${columnsAreBytes(table)})`),
    exists: named("exists", `SELECT key FROM ${table} WHERE ${wanted}`),
    // In the order of the arrays, so sorted ones lock their rows in that order.
    set: named(
      "set",
      `INSERT INTO ${table} AS stored (key, value) SELECT unnest($1::bytea[]), unnest($2::bytea[]) ` +
        `ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE (${columnsAreBytes("stored")}) IS NOT FALSE`,
    ),
    // A DELETE locks rows in whatever order it finds them, so they are locked before, in the order that a set locks in.
    // A ctid is unique within one partition only: in another it is some other key's.
    delete: named(
      "delete",
      `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(` +
        `SELECT ctid FROM ${table} WHERE ${wanted} ORDER BY key FOR UPDATE)) AND (${inKeys}) IS TRUE`,
    ),
    list: named(
      "list",
      `SELECT key FROM ${table} WHERE key >= $1::bytea AND key < $2::bytea ORDER BY key LIMIT $3::int4`,
    ),
  };
}

/** Is looked up in a hash table of the keys. */
const inKeys = "key IN (SELECT unnest($1::bytea[]))";

/**
 * One scan of the index for all keys. The array comes by a subselect so that the planner does not see it: estimating each
 * of its elements takes it longer than all the rest.
 *
 * The second half says the same again, for a plan that was made while the table was tiny and is still in use after it has
 * grown: that reads the whole table, and would compare each row with every key. This looks it up in a hash table first,
 * which makes seconds milliseconds. Where the index serves, it takes a tenth of the time.
 */
const wanted = `key = ANY (ARRAY(SELECT unnest($1::bytea[]))) AND (${inKeys}) IS NOT FALSE`;

/**
 * Is no more than a look at a bit; but where a column is not `bytea` the server refuses the statement. A column of type
 * `text` would else take bytes in their hexadecimal form, and give that back.
 *
 * True for each value. Null where the value is, as in a row that somebody else wrote to a column that allows it.
 */
function columnsAreBytes(row: string): string {
  return `${row}.value IS NOT NULL OR (${row}.key <> ''::bytea AND ${row}.value = ''::bytea)`;
}

/** A name that no other text has, whichever version or table of manykv shares the connection. */
function named(verb: string, text: string): Statement {
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 16);
  return { name: `manykv_${verb}_${digest}`, text };
}
