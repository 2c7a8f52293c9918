import { type DriverRequest, FaultError } from "@manykv/core/driver";
import type { Runner } from "../connection/statement-runner.js";
import { asFaultError } from "../error-table.js";
import { BoundStatement } from "../protocol/bound-statement.js";
import { Statement } from "../protocol/statement.js";

/** Returns a statement whose result is empty if there is no table, 1 if the table is suitable, and 0 if it is not. */
function inspect(table: string): Statement {
  return new Statement(`SELECT (EXISTS (
    SELECT 1 FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
    WHERE indrelid = relation AND indisunique AND indisvalid AND indpred IS NULL AND indnkeyatts = 1
      AND attname = 'key' AND atttypid = 'bytea'::regtype
  ) AND EXISTS (
    SELECT 1 FROM pg_attribute
    WHERE attrelid = relation AND attname = 'value' AND atttypid = 'bytea'::regtype AND attnotnull
  ))::int4 FROM to_regclass('${table}') AS relation WHERE relation IS NOT NULL`);
}

/**
 * Returns statements that create the table, the best one first. Servers that are only compatible with Postgres, and
 * Postgres before 14, reject some of them.
 *
 * LZ4 compresses values in half the time of the default. 30% of each page stays free, so that the new version of a row
 * fits on the page of the old one and the index needs no change:
 * https://www.postgresql.org/docs/current/storage-hot.html
 */
function createTable(table: string): readonly string[] {
  const create = (value: string, options: string): string =>
    `CREATE TABLE IF NOT EXISTS ${table} (key bytea PRIMARY KEY, value ${value} NOT NULL)${options}`;
  const freeSpace = " WITH (fillfactor = 70)";
  return [create("bytea COMPRESSION lz4", freeSpace), create("bytea", freeSpace), create("bytea", "")];
}

/**
 * SQLSTATEs for what a server lacks: syntax, a feature such as LZ4, a compression method, a storage parameter, and a
 * table, a column or a function of the catalog.
 */
const lackingStates: ReadonlySet<string | undefined> = new Set("42601 0A000 42704 22023 42P01 42703 42883".split(" "));

/**
 * SQLSTATEs of CREATE TABLE IF NOT EXISTS if another session creates the table at the same time: a table, a type of the
 * same name or a row of the catalog exists.
 */
const existsStates: ReadonlySet<string | undefined> = new Set(["42P07", "42710", "23505"]);

/**
 * Creates the table unless it exists. Needs the permission to create tables only if the table is missing.
 *
 * @throws {FaultError} `invalid-argument` if the existing table lacks a column or index that manykv needs.
 */
export async function provision(runner: Runner, table: string, request: DriverRequest): Promise<void> {
  const found = await find(runner, table, request);
  if (found === "suitable") return;
  if (found !== "unsuitable") await create(runner, table, request);
  // If another session created the table during the first check, that check may have seen the table without its
  // columns. A second check sees both.
  if (found === "unknown" || (await find(runner, table, request)) === "suitable") return;
  throw new FaultError({
    code: "invalid-argument",
    retryable: false,
    effect: "none",
    reason: "the table needs the columns `key bytea` and `value bytea NOT NULL`, and a unique index on `key` alone",
  });
}

/** Looks at the columns and indexes of the table. `unknown`: the server's catalog differs from that of Postgres. */
async function find(
  runner: Runner,
  table: string,
  request: DriverRequest,
): Promise<"missing" | "suitable" | "unsuitable" | "unknown"> {
  let suits: boolean | undefined;
  try {
    await runner.read(new BoundStatement(inspect(table)), request, (row) => {
      suits = row.integer() === 1;
    });
  } catch (error) {
    if (lackingStates.has(asFaultError(error).fault.reason)) return "unknown";
    throw error;
  }
  if (suits === undefined) return "missing";
  return suits ? "suitable" : "unsuitable";
}

/** Creates the table with the first statement that the server supports. */
async function create(runner: Runner, table: string, request: DriverRequest): Promise<void> {
  const statements = createTable(table);
  for (const [index, text] of statements.entries()) {
    try {
      await runner.write(new BoundStatement(new Statement(text)), request);
      return;
    } catch (error) {
      const { reason } = asFaultError(error).fault;
      if (existsStates.has(reason)) return;
      if (!lackingStates.has(reason) || index === statements.length - 1) throw error;
    }
  }
}
