import type { Finding, StoreTable } from "@manykv/core";
import type { DriverDescription } from "@manykv/core/driver";
import { Statement } from "../protocol/statement.js";
import { isSuitable, neededLayout } from "../table/layout.js";
import type { Obstacle, Run } from "./server-session.js";

export const readVersion: Statement = new Statement("SELECT version()");

/** Returns a statement for settings and properties with which the server may lose acknowledged writes or hide rows. */
function readSettings(table: string): Statement {
  return new Statement(
    "SELECT current_setting('fsync'), coalesce(current_setting('full_page_writes', true), 'on'), " +
      `coalesce((SELECT relpersistence FROM pg_class WHERE oid = to_regclass('${table}')), 'p')::text, ` +
      "CASE WHEN EXISTS (SELECT 1 FROM pg_proc WHERE proname = 'aurora_version') THEN 'aurora-postgresql' " +
      "WHEN coalesce(current_setting('neon.timeline_id', true), '') <> '' THEN 'neon' ELSE '' END, " +
      "current_setting('synchronous_commit'), " +
      `coalesce(row_security_active(to_regclass('${table}')::oid), false)::int4`,
  );
}

const readState = new Statement(
  "SELECT pg_is_in_recovery()::int4, (current_setting('transaction_read_only') = 'on')::int4",
);

const readCommitSource = new Statement(
  "SELECT coalesce(source, '') FROM pg_settings WHERE name = 'synchronous_commit'",
);

/** How to turn `synchronous_commit` on, by the source of its value in `pg_settings`. */
const howToCommit: Readonly<Record<string, string>> = {
  client: "remove it from `options` in the URL or from PGOPTIONS.",
  database: "run ALTER DATABASE ... RESET synchronous_commit.",
  user: "run ALTER ROLE ... RESET synchronous_commit.",
  "database user": "run ALTER ROLE ... IN DATABASE ... RESET synchronous_commit.",
};

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
  await run(readVersion, (row) => {
    version = row.text();
  });
  const [pattern, family] = products.find(([text]) => text.test(version)) ?? [];
  const product = await describeSettings(run, table, family, add);
  await describeState(run, add);
  const { ttl, found } = await describeTable(run, table, add);
  if (hiddenBy !== undefined) {
    const message = `A write whose response was lost may take effect later, because ${obstacles[hiddenBy]}`;
    add("cannot-settle", "warning", message);
  }
  return {
    product,
    version: pattern?.exec(version)?.[1],
    topology: hiddenBy === "pooler" ? "pooler" : family === "postgresql" ? "single" : undefined,
    table: found,
    settlesLostWrites: hiddenBy === undefined,
    abilities: { ttl },
    findings,
  };
}

type AddFinding = (code: string, severity: Finding["severity"], message: string) => void;

/** Reports settings with which the server may lose writes or hide rows. Returns the product, which they may show. */
async function describeSettings(
  run: Run,
  table: string,
  family: string | undefined,
  add: AddFinding,
): Promise<string | undefined> {
  let product = family;
  let commit = "";
  await run(readSettings(table), (row) => {
    const [fsync, pages, persistence, storage] = [row.text(), row.text(), row.text(), row.text()];
    commit = row.text();
    if (family === "postgresql" && storage !== "") product = storage;
    // Other products store data in other ways, which do not depend on these settings.
    if (product === "postgresql" && fsync === "off") {
      add("no-fsync", "data-loss", "A crash of the system may damage all data: set `fsync` to on.");
    }
    if (product === "postgresql" && pages === "off") {
      const message =
        "A crash of the system may damage pages that are being written: set `full_page_writes` to on, unless the file " +
        "system never writes part of a page.";
      add("no-full-page-writes", "data-loss", message);
    }
    if (persistence !== "p") {
      add("unlogged-table", "data-loss", "A crash of the server empties the table: run ALTER TABLE ... SET LOGGED.");
    }
    if (row.integer() === 1) {
      const message =
        "Policies of the table may hide rows from this role. Hidden keys count as missing: use a role with BYPASSRLS.";
      add("row-security", "warning", message);
    }
  });
  if (commit !== "off") return product;
  let source = "";
  await run(readCommitSource, (row) => {
    source = row.text();
  });
  const advice = howToCommit[source] ?? "set `synchronous_commit` to on.";
  const message = `A crash of the server may lose acknowledged writes, because \`synchronous_commit\` is off: ${advice}`;
  add("asynchronous-commit", "data-loss", message);
  return product;
}

/** Reports whether the server refuses writes. */
async function describeState(run: Run, add: AddFinding): Promise<void> {
  await run(readState, (row) => {
    const [isStandby, isReadOnly] = [row.integer() === 1, row.integer() === 1];
    if (isStandby) {
      const message =
        "The server is a standby, which refuses writes and may lack recent ones: connect to the primary, or list all " +
        "servers in the URL.";
      add("standby", "warning", message);
    } else if (isReadOnly) {
      const message =
        "Sessions are read-only, so all writes fail: set `default_transaction_read_only` to off for the server, the " +
        "database and the role.";
      add("read-only", "warning", message);
    }
  });
}

/** What {@link describeTable} found. */
interface Described {
  /** Whether keys can expire. */
  readonly ttl: boolean;
  readonly found: StoreTable;
}

/** Describes the table. Reports if it is unsuitable, and what prevents keys from expiring or their space from being reclaimed. */
export async function describeTable(run: Run, table: string, add: AddFinding): Promise<Described> {
  const name = table.replaceAll('"', "");
  let layout: string | undefined;
  let suits = true;
  const isKnown = await run(readLayout(table), (row) => {
    layout = row.text();
    suits = row.integer() === 1;
  });
  const found = { name, layout };
  if (isKnown && layout === undefined) {
    add(
      "no-table",
      "warning",
      "The table does not exist: call provision(), or check the names of the table and the database.",
    );
    return { ttl: true, found };
  }
  if (!suits) {
    const message = `The table has another layout, so calls fail: ${neededLayout}. Use another table.`;
    add("other-table-layout", "warning", message);
    return { ttl: true, found };
  }
  return { ttl: await describeExpiry(run, table, add), found };
}

/** Returns a statement for the columns of the table, and for whether it is suitable. No row: no table. */
function readLayout(table: string): Statement {
  const columns =
    "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) " +
    "FROM pg_attribute WHERE attrelid = found AND attnum > 0 AND NOT attisdropped";
  return new Statement(
    `SELECT left(coalesce((${columns}), ''), 500), ${isSuitable}::int4 ` +
      `FROM to_regclass('${table}') AS found WHERE found IS NOT NULL`,
  );
}

/** Reports what prevents keys from expiring, or their space from being reclaimed. Returns whether keys can expire. */
async function describeExpiry(run: Run, table: string, add: AddFinding): Promise<boolean> {
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
    add("no-expiry-columns", "warning", message);
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
