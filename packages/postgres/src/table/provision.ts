import { type DriverRequest, FaultError } from "@manykv/core/driver";
import type { StatementRunner } from "../connection/statement-runner.js";
import { BoundStatement } from "../protocol/bound-statement.js";
import { Statement } from "../protocol/statement.js";

/** Returns a row if the table exists: 1 if it has what the statements need. */
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
 * Creates the table. A third of each page stays free, so that the new version of a row fits next to the old one and the
 * index needs no change: https://www.postgresql.org/docs/current/storage-hot.html. LZ4 compresses values in half the time of
 * the default, if the server supports it.
 *
 * CREATE TABLE IF NOT EXISTS fails if two sessions run it at the same time, so they take turns. The second one may still
 * remember that there was no table.
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
 * Creates the table unless it exists. Needs no permission to create tables if it does.
 *
 * @throws {FaultError} `invalid-argument` if the existing table has other columns.
 */
export async function provision(runner: StatementRunner, table: string, request: DriverRequest): Promise<void> {
  const suits = await isSuitable(runner, table, request);
  if (suits === true) return;
  if (suits === undefined) await runner.write(new BoundStatement(new Statement(createTable(table))), request);
  // If another session has just created the table, a statement that began before finds its name and not its columns. The
  // next statement finds both.
  if ((await isSuitable(runner, table, request)) === true) return;
  throw new FaultError({
    code: "invalid-argument",
    retryable: false,
    effect: "none",
    reason: "the table must have `key bytea` with its own unique index and `value bytea NOT NULL`",
  });
}

/** Returns `undefined` if there is no table. */
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
