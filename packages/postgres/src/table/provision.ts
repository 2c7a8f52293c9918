import { createHash } from "node:crypto";
import { type DriverRequest, type Fault, FaultError, setTimer, waitFor } from "@manykv/core/driver";
import type { Runner } from "../connection/statement-runner.js";
import { asFaultError } from "../error-table.js";
import { BoundStatement } from "../protocol/bound-statement.js";
import { Statement } from "../protocol/statement.js";
import { isSuitable, neededLayout } from "./layout.js";

/** State of the index on `sweep_at`. `broken`: a session that built it has ended early. */
const [missing, valid, building, broken] = [0, 1, 2, 3] as const;

/**
 * Returns a statement whose result is empty if there is no table. Otherwise, it returns whether the table is suitable,
 * whether it has the columns for expiry, and the state of the index.
 *
 * A session that builds an index concurrently holds a lock on the table, and an index that it has not completed is invalid.
 */
function inspect(table: string): Statement {
  return new Statement(`SELECT ${isSuitable}::int4, EXISTS (
    SELECT 1 FROM pg_attribute WHERE attrelid = found AND attname = 'sweep_at'
  )::int4, CASE WHEN EXISTS (
    SELECT 1 FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
    WHERE indrelid = found AND indisvalid AND attname = 'sweep_at'
  ) THEN ${valid} WHEN to_regclass('${indexOf(table).qualified}') IS NULL THEN ${missing} WHEN EXISTS (
    SELECT 1 FROM pg_locks
    WHERE pg_locks.relation = found AND pg_locks.mode = 'ShareUpdateExclusiveLock' AND pg_locks.granted
  ) THEN ${building} ELSE ${broken} END
  FROM to_regclass('${table}') AS found WHERE found IS NOT NULL`);
}

/** Returns the quoted name of the index on `sweep_at`, alone and with the schema of the table. */
function indexOf(table: string): { readonly name: string; readonly qualified: string } {
  const parts = table.split(".");
  const own = (parts.pop() as string).slice(1, -1);
  const digest = createHash("sha256").update(own).digest("hex").slice(0, 8);
  // The server would truncate a name of more than 63 characters.
  const name = `"${own.length > 52 ? `${own.slice(0, 43)}_${digest}` : own}_sweep_at"`;
  return { name, qualified: [...parts, name].join(".") };
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
    `CREATE TABLE IF NOT EXISTS ${table} (key bytea PRIMARY KEY, value ${value} NOT NULL, expires_at timestamptz, sweep_at timestamptz)${options}`;
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

/** SQLSTATEs of a statement that waited too long for a lock, or that the server ended because of a deadlock. */
const lockStates: ReadonlySet<string | undefined> = new Set(["55P03", "40P01"]);
const columnExists = "42701";
const notPermitted = "42501";

/** How long the server first waits for the lock that a new column needs, and at most, in milliseconds. */
const shortestLock = 50;
/** More than the default of `deadlock_timeout`, after which a waiting session interrupts an automatic VACUUM. */
const longestLock = 2_000;
/** How long a session pauses before it checks the table again, in milliseconds. */
const shortestPause = 20;
const longestPause = 200;

/**
 * Creates the table unless it exists. Adds the columns for expiry and their index to a table of an earlier version. Needs
 * the permission to create tables only if the table is missing. A role that does not own the table changes nothing.
 *
 * @throws {FaultError} `invalid-argument` if the existing table lacks a column or index that manykv needs.
 */
export async function provision(runner: Runner, table: string, request: DriverRequest): Promise<void> {
  let found = await find(runner, table, request);
  if (found === "missing" || found === "unknown") await create(runner, table, request);
  if (found === "unknown") return;
  // If another session created the table during the first check, that check may have seen the table without its columns. A
  // second check sees both.
  if (found === "missing" || !found.suits) found = await find(runner, table, request);
  if (typeof found === "string" || !found.suits) throw new FaultError(unsuitable);
  try {
    await upgrade(runner, table, request, found);
  } catch (error) {
    // Everything else works without the columns, and `describe` reports that they are missing.
    if (asFaultError(error).fault.reason !== notPermitted) throw error;
  }
}

const unsuitable: Fault = {
  code: "invalid-argument",
  retryable: false,
  effect: "none",
  reason: neededLayout,
};

/** What the catalog of the server says about the table. */
interface Found {
  readonly suits: boolean;
  readonly hasExpiry: boolean;
  readonly index: number;
}

/** Looks at the columns and indexes of the table. `unknown`: the server's catalog differs from that of Postgres. */
async function find(runner: Runner, table: string, request: DriverRequest): Promise<Found | "missing" | "unknown"> {
  let found: Found | undefined;
  try {
    await runner.read(new BoundStatement(inspect(table)), request, (row) => {
      found = { suits: row.integer() === 1, hasExpiry: row.integer() === 1, index: row.integer() };
    });
  } catch (error) {
    if (lackingStates.has(asFaultError(error).fault.reason)) return "unknown";
    throw error;
  }
  return found ?? "missing";
}

/** Creates the table with the first statement that the server supports, and the index. */
async function create(runner: Runner, table: string, request: DriverRequest): Promise<void> {
  try {
    await runFirst(runner, createTable(table), request);
  } catch (error) {
    if (!existsStates.has(asFaultError(error).fault.reason)) throw error;
  }
  try {
    // The table is new, so no other session waits for this.
    await runFirst(runner, [createIndex(table)], request);
  } catch (error) {
    // Another session creates the index, or the server has no partial indexes. Keys can expire without the index.
    const { reason } = asFaultError(error).fault;
    if (!existsStates.has(reason) && !lackingStates.has(reason) && !lockStates.has(reason)) throw error;
  }
}

/** Adds the columns and the index if they are missing. Other sessions may do the same at the same time. */
async function upgrade(runner: Runner, table: string, request: DriverRequest, first: Found): Promise<void> {
  // Two sessions that build the index at the same time would wait for each other, so the session that has added the
  // columns builds it. Others first pause and then check whether another session is building it.
  let mayBuild = false;
  let lockTime = shortestLock;
  for (let found: Found | string = first; typeof found === "object" && found.index !== valid; ) {
    if (found.hasExpiry && found.index !== building && mayBuild) await buildIndex(runner, table, request, found.index);
    else {
      const added = !found.hasExpiry && (await addColumns(runner, table, request, lockTime));
      if (!added) await pause(request);
      mayBuild = added || found.hasExpiry;
      lockTime = Math.min(2 * lockTime, longestLock);
    }
    found = await find(runner, table, request);
  }
}

/**
 * Adds the columns. This takes a moment but locks the table. The server soon gives up waiting for the lock,
 * because all other statements wait behind it. Returns whether this session has added the columns.
 */
async function addColumns(runner: Runner, table: string, request: DriverRequest, lockTime: number): Promise<boolean> {
  const add = `ALTER TABLE ${table} ADD COLUMN expires_at timestamptz, ADD COLUMN sweep_at timestamptz`;
  const limited = `DO $$ BEGIN PERFORM set_config('lock_timeout', '${lockTime}ms', true); ${add}; END $$`;
  try {
    await runFirst(runner, [limited, add], request);
    return true;
  } catch (error) {
    const { reason } = asFaultError(error).fault;
    if (reason === columnExists || lockStates.has(reason)) return false;
    throw error;
  }
}

/** Builds the index while other sessions write. First removes what a session left that did not complete the index. */
async function buildIndex(runner: Runner, table: string, request: DriverRequest, index: number): Promise<void> {
  try {
    if (index === broken) {
      await runFirst(runner, [`DROP INDEX CONCURRENTLY IF EXISTS ${indexOf(table).qualified}`], request);
    }
    // The index of a partitioned table cannot be built concurrently.
    await runFirst(runner, [createIndex(table, "CONCURRENTLY IF NOT EXISTS"), createIndex(table)], request);
  } catch (error) {
    const { reason } = asFaultError(error).fault;
    if (!existsStates.has(reason) && !lockStates.has(reason)) throw error;
  }
}

function createIndex(table: string, how = "IF NOT EXISTS"): string {
  return `CREATE INDEX ${how} ${indexOf(table).name} ON ${table} (sweep_at) WHERE sweep_at IS NOT NULL`;
}

/** Runs the first statement that the server supports. */
async function runFirst(runner: Runner, statements: readonly string[], request: DriverRequest): Promise<void> {
  for (const [index, text] of statements.entries()) {
    try {
      await runner.write(new BoundStatement(new Statement(text)), request);
      return;
    } catch (error) {
      const { reason } = asFaultError(error).fault;
      if (!lackingStates.has(reason) || index === statements.length - 1) throw error;
    }
  }
}

function pause(request: DriverRequest): Promise<void> {
  const milliseconds = shortestPause + Math.random() * (longestPause - shortestPause);
  return waitFor(request, new Promise((resolve) => setTimer(resolve, milliseconds)));
}
