import type { Finding } from "@manykv/core";
import type { DriverDescription } from "@manykv/core/driver";
import { Statement } from "../protocol/statement.js";
import type { Obstacle, Run } from "./server-session.js";

export const readVersion: Statement = new Statement("SELECT version()");

/** Returns a statement for settings and properties with which the server may lose acknowledged writes or hide rows. */
function readSettings(table: string): Statement {
  return new Statement(
    "SELECT current_setting('fsync'), current_setting('synchronous_commit'), " +
      `coalesce((SELECT relpersistence FROM pg_class WHERE oid = to_regclass('${table}')), 'p')::text, ` +
      `coalesce(row_security_active(to_regclass('${table}')::oid), false)::int4, ` +
      "EXISTS (SELECT 1 FROM pg_proc WHERE proname = 'aurora_version')::int4",
  );
}

/** Returns a statement that reports whether the table has the columns and the index for expiry. No row: no table. */
function readTable(table: string): Statement {
  return new Statement(
    "SELECT EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = found AND attname = 'sweep_at')::int4, " +
      "EXISTS (SELECT 1 FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0] " +
      "WHERE indrelid = found AND indisvalid AND attname = 'sweep_at')::int4 " +
      `FROM to_regclass('${table}') AS found WHERE found IS NOT NULL`,
  );
}

/** Minimum number of expired rows that `describe` reports. */
const manyExpired = 10_000;

function countExpired(table: string): Statement {
  const rows = `SELECT 1 FROM ${table} WHERE sweep_at <= statement_timestamp() LIMIT ${manyExpired}`;
  return new Statement(`SELECT count(*)::int4 FROM (${rows}) AS expired`);
}

/** Products that speak Postgres's protocol. The first pattern that matches `version()` shows the product. */
const products: readonly (readonly [text: RegExp, product: string])[] = [
  [/CockroachDB \w+ v([0-9.]+)/, "cockroachdb"],
  [/-YB-([0-9.]+)/, "yugabytedb"],
  [/^PostgreSQL ([0-9.]+)/, "postgresql"],
];

/** Why manykv cannot terminate the server process of a lost write, and what to do. */
const obstacles: Readonly<Record<Obstacle, string>> = {
  pooler: "a pooler hides the server processes. If late writes are a problem, connect directly to the server.",
  role:
    "the role may not see or terminate its own server processes. Do not change the role with SET ROLE, and grant it " +
    "EXECUTE on pg_terminate_backend.",
  server:
    "the server does not list its processes as PostgreSQL does. If late writes are a problem, use PostgreSQL itself.",
};

/** Describes the server from what it reports about itself. */
export async function describeServer(
  run: Run,
  table: string,
  { hiddenBy }: { readonly hiddenBy?: Obstacle },
): Promise<DriverDescription> {
  const findings: Finding[] = [];
  const add: AddFinding = (code, severity, message) => void findings.push({ code, severity, message });
  let version = "";
  let isAurora = false;
  await run(readVersion, (row) => {
    version = row.text();
  });
  await run(readSettings(table), (row) => {
    const [fsync, commit, persistence] = [row.text(), row.text(), row.text()];
    if (fsync === "off") {
      add("no-fsync", "data-loss", "A crash of the system may damage all data: set `fsync` to on.");
    }
    if (commit === "off") {
      const message = "A crash of the server may lose acknowledged writes: set `synchronous_commit` to on.";
      add("asynchronous-commit", "data-loss", message);
    }
    if (persistence !== "p") {
      add("unlogged-table", "data-loss", "A crash of the server empties the table: run ALTER TABLE ... SET LOGGED.");
    }
    if (row.integer() === 1) {
      const message =
        "Policies of the table may hide rows from this role. Hidden keys count as missing: use a role with BYPASSRLS.";
      add("row-security", "warning", message);
    }
    isAurora = row.integer() === 1;
  });
  const ttl = await describeExpiry(run, table, add);
  if (hiddenBy !== undefined) {
    const message = `A write whose response was lost may take effect later, because ${obstacles[hiddenBy]}`;
    add("cannot-settle", "warning", message);
  }
  const [pattern, found] = products.find(([text]) => text.test(version)) ?? [];
  const product = found === "postgresql" && isAurora ? "aurora-postgresql" : found;
  return {
    product,
    version: pattern?.exec(version)?.[1],
    topology: hiddenBy === "pooler" ? "pooler" : found === "postgresql" ? "single" : undefined,
    settlesLostWrites: hiddenBy === undefined,
    abilities: { ttl },
    findings,
  };
}

type AddFinding = (code: string, severity: Finding["severity"], message: string) => void;

/** Reports what prevents keys from expiring, or their space from being reclaimed. Returns whether keys can expire. */
export async function describeExpiry(run: Run, table: string, add: AddFinding): Promise<boolean> {
  let exists = false;
  let hasColumn = true;
  let hasIndex = true;
  await run(readTable(table), (row) => {
    exists = true;
    hasColumn = row.integer() === 1;
    hasIndex = row.integer() === 1;
  });
  if (!hasColumn) {
    const message =
      "Keys cannot expire, because the table has no columns `expires_at` and `sweep_at`: call provision() with the role " +
      "that owns the table.";
    add("no-expiry-columns", "note", message);
  } else if (!hasIndex) {
    const message =
      "Deleting expired rows reads the whole table, because no index begins with `sweep_at`: call provision() with the " +
      "role that owns the table.";
    add("no-expiry-index", "warning", message);
  } else if (exists) {
    let expired = 0;
    await run(countExpired(table), (row) => {
      expired = row.integer();
    });
    if (expired === manyExpired) {
      add("expired-rows", "note", `At least ${manyExpired} expired rows take space: call sweep().`);
    }
  }
  return hasColumn;
}
