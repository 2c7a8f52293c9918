import { createHash } from "node:crypto";
import type { Statement } from "../protocol/exchange.js";

/** What is done to a table, a set of keys at a time. */
export interface Statements {
  /** Rows of a key's place in the request, from 1, and its value. */
  readonly get: Statement;
  /** Rows of the place of each key that is there. */
  readonly exists: Statement;
  readonly set: Statement;
  readonly delete: Statement;
  /** Rows of keys. */
  readonly list: Statement;
}

export function statementsFor(table: string): Statements {
  // The array comes by a subselect so that the planner does not see it: estimating each of its elements takes it longer
  // than all the rest. A join, as the rows then say which place of the request they belong to.
  const wanted = `unnest((SELECT $1::bytea[])) WITH ORDINALITY AS wanted (wanted_key, place)`;
  const found = `${wanted} JOIN ${table} ON key = wanted_key`;
  return {
    get: named("get", `SELECT place, value FROM ${found} AND ${columnsAreBytes(table)}`),
    exists: named("exists", `SELECT place FROM ${found}`),
    // In the order of the arrays, so sorted ones lock their rows in that order.
    set: named(
      "set",
      `INSERT INTO ${table} AS stored (key, value) SELECT unnest($1::bytea[]), unnest($2::bytea[]) ` +
        `ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE ${columnsAreBytes("stored")}`,
    ),
    // A DELETE locks rows in whatever order it finds them, so they are locked before, in the order that a set locks in.
    delete: named(
      "delete",
      `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(` +
        `SELECT ctid FROM ${table} WHERE key = ANY ($1::bytea[]) ORDER BY key FOR UPDATE))`,
    ),
    list: named(
      "list",
      `SELECT key FROM ${table} WHERE key >= $1::bytea AND key < $2::bytea ORDER BY key LIMIT $3::int4`,
    ),
  };
}

/**
 * Is always true, and no more than a look at a bit; but where a column is not `bytea` the server refuses the statement.
 * A column of type `text` would else take bytes in their hexadecimal form, and give that back.
 */
function columnsAreBytes(row: string): string {
  return `(${row}.value IS NOT NULL OR (${row}.key = ''::bytea AND ${row}.value = ''::bytea))`;
}

/** A name that no other text has, whichever version or table of manykv shares the connection. */
function named(verb: string, text: string): Statement {
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 16);
  return { name: `manykv_${verb}_${digest}`, text };
}
