import { type DriverRequest, FaultError } from "@manykv/core/driver";
import type { StatementRunner } from "../connection/statement-runner.js";
import { BoundStatement } from "../protocol/bound-statement.js";
import { Statement } from "../protocol/statement.js";

/** Returns a statement whose result is empty if there is no table, 1 if the table is suitable, and 0 if it is not. */
function inspect(table: string): Statement {
  return new Statement(`SELECT (EXISTS (
    SELECT FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
    WHERE indrelid = relation AND indisunique AND indisvalid AND indpred IS NULL AND indnkeyatts = 1
      AND attname = 'key' AND atttypid = 'bytea'::regtype
  ) AND EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = relation AND attname = 'value' AND atttypid = 'bytea'::regtype AND attnotnull
  ))::int4 FROM to_regclass('${table}') AS relation WHERE relation IS NOT NULL`);
}

/**
 * Returns a statement that creates the table. 30% of each page stays free, so that the new version of a row fits on
 * the page of the old one and the index needs no change: https://www.postgresql.org/docs/current/storage-hot.html. LZ4,
 * which not every server supports, compresses values in half the time of the default.
 *
 * CREATE TABLE IF NOT EXISTS can fail if two sessions run it at the same time, so a lock makes the sessions take turns.
 * The second session may not see the new table yet. The statement ignores the error that the table exists.
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
EXCEPTION WHEN duplicate_table THEN
  NULL;
END
$manykv$`;
}

/**
 * Creates the table unless it exists. Needs the permission to create tables only if the table is missing.
 *
 * @throws {FaultError} `invalid-argument` if the existing table lacks a column or index that manykv needs.
 */
export async function provision(runner: StatementRunner, table: string, request: DriverRequest): Promise<void> {
  const suits = await isSuitable(runner, table, request);
  if (suits === true) return;
  if (suits === undefined) await runner.write(new BoundStatement(new Statement(createTable(table))), request);
  // If another session created the table during the first check, that check may have seen the table without its
  // columns. A second check sees both.
  if ((await isSuitable(runner, table, request)) === true) return;
  throw new FaultError({
    code: "invalid-argument",
    retryable: false,
    effect: "none",
    reason: "the table needs the columns `key bytea` and `value bytea NOT NULL`, and a unique index on `key` alone",
  });
}

/** Returns whether the table has the columns and the index that manykv needs, or `undefined` if there is no table. */
async function isSuitable(
  runner: StatementRunner,
  table: string,
  request: DriverRequest,
): Promise<boolean | undefined> {
  let suits: boolean | undefined;
  await runner.read(new BoundStatement(inspect(table)), request, (row) => {
    suits = row.integer() === 1;
  });
  return suits;
}
