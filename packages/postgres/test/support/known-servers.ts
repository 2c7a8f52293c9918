import type { KnownDescription, KnownServer } from "@manykv/conformance";
import type { Driver } from "@manykv/core/driver";
import { closing, type DedicatedPostgres, startDedicatedPostgres } from "@manykv/test-services";
import pg from "pg";
import { afterAll } from "vitest";
import { postgresDriver, postgresStore } from "../../src/index.js";
import { startServerThatSays } from "./fake-server.js";
import { poolWithHiddenProcess } from "./hidden-process.js";
import { until } from "./until.js";

/** A server with the table that `provision()` creates, except for what the entry changes. */
interface KnownSetup {
  readonly what: string;
  /** Statements of a superuser. */
  readonly sql?: readonly string[];
  /** The {@link settings} that are off. */
  readonly off?: readonly string[];
  /** The `options` of the client's URL. */
  readonly options?: string;
  /** Whether the client logs in with a role that may only read the table. */
  readonly isReader?: boolean;
  /** Creates the client. Default: a driver with the URL. */
  readonly client?: (url: string) => Driver;
  /** Default: PostgreSQL without findings. */
  readonly description?: KnownDescription;
}

/** Settings that belong to the whole server. */
const settings = ["fsync", "full_page_writes"];

/** Makes `version()` return what another product says. */
const searchPath = "-c search_path=public,pg_catalog";
const yugabyte =
  "CREATE FUNCTION version() RETURNS text LANGUAGE sql AS $$ SELECT 'PostgreSQL 15.12-YB-2025.1.0.0-b0' $$";
const aurora = "CREATE FUNCTION aurora_version() RETURNS text LANGUAGE sql AS $$ SELECT '17.4' $$";

const cannotSettle: KnownDescription = {
  abilities: { settlesLostWrites: false },
  findings: { "cannot-settle": "warning" },
};

const setups: readonly KnownSetup[] = [
  { what: "PostgreSQL" },
  {
    what: "a server behind a pooler",
    client: withHiddenProcess,
    description: { ...cannotSettle, topology: "pooler" },
  },
  {
    what: "a role that may not terminate processes",
    sql: ["REVOKE EXECUTE ON FUNCTION pg_terminate_backend FROM PUBLIC"],
    isReader: true,
    description: cannotSettle,
  },
  { what: "a session that uses another role", options: "-c role=pg_read_all_data", description: cannotSettle },
  { what: "a role that may only read", isReader: true },
  {
    what: "a server without `fsync`",
    off: ["fsync"],
    description: { findings: { "no-fsync": "data-loss" } },
  },
  {
    what: "a server without `full_page_writes`",
    off: ["full_page_writes"],
    description: { findings: { "no-full-page-writes": "data-loss" } },
  },
  // These products keep data elsewhere, so settings for the disk do not matter.
  { what: "Aurora", off: settings, sql: [aurora], description: { product: "aurora-postgresql" } },
  { what: "Neon", off: settings, options: "-c neon.timeline_id=1", description: { product: "neon" } },
  {
    what: "YugabyteDB that has the functions of Aurora",
    off: settings,
    sql: [yugabyte, aurora],
    options: searchPath,
    description: { product: "yugabytedb", version: "2025.1.0.0", topology: undefined },
  },
  {
    what: "a table without a log on Aurora, with asynchronous commits",
    sql: [aurora, "ALTER TABLE manykv SET UNLOGGED"],
    options: "-c synchronous_commit=off",
    description: {
      product: "aurora-postgresql",
      findings: { "unlogged-table": "data-loss", "asynchronous-commit": "data-loss" },
    },
  },
  {
    what: "a table without a log",
    sql: ["ALTER TABLE manykv SET UNLOGGED"],
    description: { findings: { "unlogged-table": "data-loss" } },
  },
  {
    what: "asynchronous commits",
    options: "-c synchronous_commit=off",
    description: { findings: { "asynchronous-commit": "data-loss" } },
  },
  { what: "commits that do not wait for a standby", options: "-c synchronous_commit=local" },
  {
    what: "read-only sessions",
    options: "-c default_transaction_read_only=on",
    description: { findings: { "read-only": "warning" } },
  },
  {
    what: "policies that apply to the role",
    sql: ["ALTER TABLE manykv ENABLE ROW LEVEL SECURITY"],
    isReader: true,
    description: { findings: { "row-security": "warning" } },
  },
  { what: "policies that do not apply to the role", sql: ["ALTER TABLE manykv ENABLE ROW LEVEL SECURITY"] },
  {
    what: "a database without the table",
    sql: ["DROP TABLE manykv"],
    description: { findings: { "no-table": "warning" } },
  },
  ...Object.entries({
    "without the columns": ["DROP TABLE manykv", "CREATE TABLE manykv (id int PRIMARY KEY, name text)"],
    "without any column": ["DROP TABLE manykv", "CREATE TABLE manykv ()"],
    "with keys that are text": ["ALTER TABLE manykv ALTER key TYPE text USING ''"],
    "with keys that are not unique": ["ALTER TABLE manykv DROP CONSTRAINT manykv_pkey", "CREATE INDEX ON manykv (key)"],
    "with an index of the keys that is not complete": [
      "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'manykv_pkey'::regclass",
    ],
    "with keys that are unique together with the values": [
      "ALTER TABLE manykv DROP CONSTRAINT manykv_pkey, ADD PRIMARY KEY (key, value)",
    ],
    "with keys of which some are unique": [
      "ALTER TABLE manykv DROP CONSTRAINT manykv_pkey",
      "CREATE UNIQUE INDEX ON manykv (key) WHERE sweep_at IS NULL",
    ],
    "with values that are text": ["ALTER TABLE manykv ALTER value TYPE text USING ''"],
    "with values that may be null": ["ALTER TABLE manykv ALTER value DROP NOT NULL"],
    "with only one of the columns for expiry": ["ALTER TABLE manykv DROP expires_at"],
    "with times without a zone": ["ALTER TABLE manykv ALTER expires_at TYPE timestamp"],
    "that is a view": ["ALTER TABLE manykv RENAME TO kept", "CREATE VIEW manykv AS SELECT * FROM kept"],
  }).map(
    ([what, sql]): KnownSetup => ({
      what: `a table ${what}`,
      sql,
      description: { findings: { "other-table-layout": "warning" } },
    }),
  ),
  {
    what: "a table with more columns, whose index contains the values",
    sql: ["ALTER TABLE manykv DROP CONSTRAINT manykv_pkey, ADD UNIQUE (key) INCLUDE (value), ADD note text"],
  },
  {
    what: "a table without the columns for expiry",
    sql: ["ALTER TABLE manykv DROP expires_at, DROP sweep_at"],
    description: { abilities: { ttl: false }, findings: { "no-expiry-columns": "warning" } },
  },
  ...Object.entries({
    "without an index of the expiry": ["DROP INDEX manykv_sweep_at"],
    "with an index of the expiry that is not complete": [
      "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'manykv_sweep_at'::regclass",
    ],
    "with an index that does not begin with the expiry": [
      "DROP INDEX manykv_sweep_at",
      "CREATE INDEX ON manykv (key, sweep_at)",
    ],
  }).map(
    ([what, sql]): KnownSetup => ({
      what: `a table ${what}`,
      sql,
      description: { findings: { "no-expiry-index": "warning" } },
    }),
  ),
  { what: "many expired rows", sql: [expiredRows(10_000)], description: { findings: { "expired-rows": "note" } } },
  { what: "fewer expired rows", sql: [expiredRows(9_999)] },
];

/** What servers say that list no processes, and what they are. */
const strangers: readonly (readonly [
  said: string,
  product: string | undefined,
  version?: string,
  topology?: string,
])[] = [
  ["CockroachDB CCL v25.2.1 (x86_64-pc-linux-gnu, built 2025/06/01)", "cockroachdb", "25.2.1"],
  ["PostgreSQL 15.12-YB-2025.1.0.0-b0 on x86_64-pc-linux-gnu", "yugabytedb", "2025.1.0.0"],
  ["PostgreSQL 17.2 on x86_64-pc-linux-gnu", "postgresql", "17.2", "single"],
  ["something else than PostgreSQL 17.2", undefined],
];

/** A durable server, a standby and servers with invented replies. Each starts when a case needs it. */
export function knownServers(): readonly KnownServer[] {
  const primary = started({});
  const standby = started({ standby: true });
  return [
    ...setups.map((known) => ({
      what: known.what,
      driver: async () => prepare((await primary()).url, known),
      description: inPostgres(known.description),
    })),
    ...["target_session_attrs=primary", "target_session_attrs=any"].map((parameters) => ({
      what: `a standby with ${parameters}`,
      driver: async () => postgresDriver({ url: `${(await standby()).url}?${parameters}` }),
      description: inPostgres({ findings: { standby: "warning", "no-table": "warning" } }),
    })),
    ...strangers.map(([said, product, version, topology]) => ({
      what: `a server that says ${said}`,
      driver: async () => {
        const server = await startServerThatSays(said);
        return closing(postgresDriver({ url: server.url }), () => server[Symbol.asyncDispose]());
      },
      description: { ...cannotSettle, product, version, topology },
    })),
  ];
}

/** Returns a function that starts a server at its first call. The server stops after the tests. */
function started(options: { readonly standby?: boolean }): () => Promise<DedicatedPostgres> {
  let server: Promise<DedicatedPostgres> | undefined;
  afterAll(async () => (await server)?.stop());
  return () => (server ??= startDedicatedPostgres({ source: "process", durable: true, ...options }));
}

function inPostgres({ abilities, ...others }: KnownDescription = {}): KnownDescription {
  return {
    product: "postgresql",
    topology: "single",
    abilities: {
      ...{ settlesLostWrites: true, ttl: true, ifAbsent: true, increment: true, compareAndSwap: true, buckets: true },
      ...abilities,
    },
    findings: {},
    ...others,
  };
}

/** Changes the database and the server, and creates the client. Undoes what earlier entries have changed. */
async function prepare(server: string, known: KnownSetup): Promise<Driver> {
  const { sql = [], off = [], options, isReader = false, client = (url) => postgresDriver({ url }) } = known;
  const url = new URL(server);
  const superuser = new pg.Client(server);
  await superuser.connect();
  const run = async (statements: readonly string[]): Promise<void> => {
    for (const statement of statements) await superuser.query(statement);
  };
  await run([
    ...["DROP SCHEMA public CASCADE", "CREATE SCHEMA public", "DROP ROLE IF EXISTS reader"],
    ...[`CREATE ROLE reader LOGIN PASSWORD '${url.password}'`, "GRANT USAGE ON SCHEMA public TO reader"],
    "GRANT EXECUTE ON FUNCTION pg_terminate_backend TO PUBLIC",
  ]);
  const store = postgresStore({ url: server });
  await store.provision();
  await store.close();
  await run(["GRANT SELECT ON manykv TO reader", ...sql]);
  const values = settings.map((name) => [name, off.includes(name) ? "off" : "on"] as const);
  await run([...values.map(([name, value]) => `ALTER SYSTEM SET ${name} = ${value}`), "SELECT pg_reload_conf()"]);
  for (const [name, value] of values) {
    await until(async () => (await superuser.query(`SHOW ${name}`)).rows[0][name] === value);
  }
  await superuser.end();
  if (isReader) url.username = "reader";
  if (options !== undefined) url.searchParams.set("options", options);
  return client(url.href);
}

function withHiddenProcess(url: string): Driver {
  const pool = poolWithHiddenProcess(url);
  return closing(postgresDriver({ pool }), () => pool.end());
}

/** Returns a statement that inserts rows that have expired. */
function expiredRows(count: number): string {
  return `INSERT INTO manykv (key, value, expires_at, sweep_at)
    SELECT convert_to('b:' || i, 'UTF8'), 'v', now() - interval '1 hour', now() FROM generate_series(1, ${count}) i`;
}
