import type { DriverRequest } from "@manykv/core";
import type { Database } from "../connection/database.js";
import { FaultError } from "../fault-error.js";
import { textParameter } from "../protocol/parameter.js";

/** One row where the table is there: whether it has what the statements need. */
const inspect = {
  name: "",
  text: `SELECT EXISTS (
    SELECT FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
    WHERE indrelid = relation AND indisunique AND indisvalid AND indpred IS NULL AND indnkeyatts = 1
      AND attname = 'key' AND atttypid = 'bytea'::regtype
  ) AND EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = relation AND attname = 'value' AND atttypid = 'bytea'::regtype AND attnotnull
  ) FROM to_regclass($1::text) AS relation WHERE relation IS NOT NULL`,
};

/**
 * The table. A third of each page is left free, so that a new version of a row finds room beside the old one, and the
 * index stays as it is: https://www.postgresql.org/docs/current/storage-hot.html. Values that compress are compressed
 * by LZ4, which takes half the time of the default, where the server was built with it.
 *
 * CREATE TABLE IF NOT EXISTS fails when two sessions run it at once, so they take turns.
 */
export function createTable(table: string): string {
  return `DO $manykv$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('manykv'), hashtext('${table}'));
  IF to_regclass('${table}') IS NULL THEN
    CREATE TABLE ${table} (key bytea PRIMARY KEY, value bytea NOT NULL) WITH (fillfactor = 70);
    BEGIN
      ALTER TABLE ${table} ALTER COLUMN value SET COMPRESSION lz4;
    EXCEPTION WHEN feature_not_supported THEN
      NULL;
    END;
  END IF;
END
$manykv$`;
}

/**
 * Makes the table where there is none. Takes no permission to make tables where there is one.
 *
 * @throws {FaultError} `invalid-argument` where there is one with other columns.
 */
export async function provision(database: Database, table: string, request: DriverRequest): Promise<void> {
  const serves = await isServing(database, table, request);
  if (serves === true) return;
  if (serves === undefined) await database.write({ name: "", text: createTable(table) }, [], request);
  // The name of a table that somebody has just made is found before its columns are: they are looked for in what was
  // there when the statement began. By the next statement all of it is there.
  if ((await isServing(database, table, request)) === true) return;
  throw new FaultError({
    code: "invalid-argument",
    retryable: false,
    effect: "none",
    reason:
      "the table has not the columns key bytea, with a unique index of its own, and value bytea NOT NULL",
  });
}

/** `undefined` where there is no table. */
async function isServing(
  database: Database,
  table: string,
  request: DriverRequest,
): Promise<boolean | undefined> {
  let serves: boolean | undefined;
  await database.read(inspect, [textParameter(table)], request, (row) => {
    serves = row.boolean();
  });
  return serves;
}
