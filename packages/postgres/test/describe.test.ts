import assert from "node:assert/strict";
import type { Driver, DriverDescription } from "@manykv/core/driver";
import { randomName, startDedicatedPostgres } from "@manykv/test-services";
import pg from "pg";
import { test } from "vitest";
import { postgresDriver, postgresStore } from "../src/index.js";
import { accepted, message, startFakeServer } from "./support/fake-server.js";
import { keysRequest, setRequest, text } from "./support/requests.js";
import { testRole } from "./support/role.js";
import { testTable } from "./support/test-table.js";

const table = testTable();

async function describe(driver: Driver): Promise<DriverDescription> {
  const description = await driver.describe?.(keysRequest([]));
  assert.ok(description);
  return description;
}

const codesOf = ({ findings }: DriverDescription): string[] => (findings ?? []).map(({ code }) => code);

test("describe() returns the product, the version and what the store can do", async () => {
  await using store = postgresStore({ url: table.url, table: table.name });
  const { rows } = await table.admin.query("SHOW server_version");
  const { product, version, topology, abilities } = await store.describe();
  assert.deepEqual([product, topology, abilities.settlesLostWrites], ["postgresql", "single", true]);
  assert.ok(rows[0].server_version.startsWith(version), `${version} is not the version ${rows[0].server_version}`);
});

test.each([
  ["CockroachDB CCL v25.2.1 (x86_64-pc-linux-gnu, built 2025/06/01)", "cockroachdb", "25.2.1"],
  ["PostgreSQL 15.12-YB-2025.1.0.0-b0 on x86_64-pc-linux-gnu", "yugabytedb", "2025.1.0.0"],
  ["PostgreSQL 17.2 on x86_64-pc-linux-gnu", "postgresql", "17.2"],
  ["something else", undefined, undefined],
])("describe() recognizes the product of a server that says %s", async (said, product, version) => {
  const length = Buffer.from([0, 1, 0, 0, 0, said.length]);
  const row = Buffer.concat([length, Buffer.from(said)]);
  const ready = message("Z", "I");
  await using server = await startFakeServer(
    (socket) => socket.write(accepted),
    (socket, chunk) => {
      const lacks = message("E", "SERROR\0VERROR\0C42883\0Mno such function\0\0");
      const isVersion = chunk.includes("SELECT version()");
      socket.write(Buffer.concat(isVersion ? [message("D", row), message("C", "SELECT 1\0"), ready] : [lacks, ready]));
    },
  );
  await using store = postgresStore({ url: server.url });
  const description = await store.describe();
  assert.deepEqual([description.product, description.version], [product, version]);
  assert.equal(description.abilities.settlesLostWrites, false);
  assert.match(
    description.findings.find(({ code }) => code === "cannot-settle")?.message ?? "",
    /does not list.*use PostgreSQL itself/,
  );
});

test("describe() says that lost writes cannot be settled behind a pooler", async () => {
  const pool = new pg.Pool({ connectionString: table.url, max: 1 });
  // Like a pooler, report the ID of no process.
  pool.on("connect", (client) => Object.assign(client, { processID: -1 }));
  await using store = postgresStore({ pool, table: table.name });
  const { topology, abilities, findings } = await store.describe();
  assert.deepEqual([topology, abilities.settlesLostWrites], ["pooler", false]);
  const finding = findings.find(({ code }) => code === "cannot-settle");
  assert.match(finding?.message ?? "", /pooler hides.*connect directly/);
  await pool.end();
});

test("describe() says before the first write that the role may not terminate its processes", async () => {
  const database = randomName();
  await table.admin.query(`CREATE DATABASE ${database}`);
  const url = new URL(table.url);
  url.pathname = database;
  const admin = new pg.Pool({ connectionString: url.href });
  admin.on("error", () => {});
  // Permissions for functions belong to a database, so this affects no other test.
  await admin.query("REVOKE EXECUTE ON FUNCTION pg_terminate_backend FROM PUBLIC");
  await admin.query("GRANT ALL ON SCHEMA public TO PUBLIC");
  const role = await testRole(admin, url.href);
  const store = postgresStore({ url: role.url });
  const { abilities, topology, findings } = await store.describe();
  assert.deepEqual([abilities.settlesLostWrites, topology], [false, "single"]);
  assert.match(findings.find(({ code }) => code === "cannot-settle")?.message ?? "", /pg_terminate_backend/);
  await store.provision();
  await (await store.open("b")).set("a", text("v"));
  await store.close();
  await admin.query(`DROP OWNED BY ${role.name}`);
  await admin.query(`DROP ROLE ${role.name}`);
  await admin.end();
  await table.admin.query(`DROP DATABASE ${database} WITH (FORCE)`);
});

test("describe() reports settings and tables with which the server may lose acknowledged writes", async () => {
  const name = randomName();
  await table.admin.query(`CREATE UNLOGGED TABLE ${name} (key bytea PRIMARY KEY, value bytea NOT NULL)`);
  const url = new URL(table.url);
  url.searchParams.set("options", "-c synchronous_commit=off");
  const driver = postgresDriver({ url: url.href, table: name });
  const codes = codesOf(await describe(driver));
  assert.ok(codes.includes("asynchronous-commit") && codes.includes("unlogged-table"), codes.join());
  const usual = postgresDriver({ url: table.url, table: table.name });
  assert.ok(!codesOf(await describe(usual)).some((code) => ["asynchronous-commit", "unlogged-table"].includes(code)));
  await driver.close();
  await usual.close();
  await table.admin.query(`DROP TABLE ${name}`);
});

/** Describes the test table, or another one. Returns the codes of the findings and their severities. */
async function severitiesOf(url: string, name = table.name): Promise<Record<string, string>> {
  await using store = postgresStore({ url, table: name });
  const { findings } = await store.describe();
  return Object.fromEntries(findings.map(({ code, severity }) => [code, severity]));
}

test("describe() of a durable server with a table of manykv finds nothing", async () => {
  await using server = await startDedicatedPostgres({ source: "process", durable: true });
  await using store = postgresStore({ url: server.url });
  await store.provision();
  const { findings, table: found } = await store.describe();
  assert.deepEqual(findings, []);
  assert.equal(found?.name, "manykv");
  assert.match(found.layout ?? "", /^key bytea, value bytea, expires_at timestamp with time zone, sweep_at timestamp/);
});

test("describe() reports `fsync` and `full_page_writes` separately", async () => {
  for (const [settings, expected] of [
    [{ fsync: "off" }, { "no-fsync": "data-loss", "no-table": "warning" }],
    [{ full_page_writes: "off" }, { "no-full-page-writes": "data-loss", "no-table": "warning" }],
  ] as const) {
    await using server = await startDedicatedPostgres({ source: "process", durable: true, settings });
    assert.deepEqual(await severitiesOf(server.url), expected);
  }
});

test("describe() ignores settings for the disk on Aurora and Neon, which keep their data elsewhere", async () => {
  const database = randomName();
  await using server = await startDedicatedPostgres({ source: "process" });
  const admin = new pg.Pool({ connectionString: server.url });
  await admin.query(`CREATE DATABASE ${database}`);
  const url = new URL(server.url);
  url.pathname = database;
  const aurora = new pg.Pool({ connectionString: url.href });
  await aurora.query("CREATE FUNCTION aurora_version() RETURNS text LANGUAGE sql AS $$ SELECT '17.4' $$");
  const neon = new URL(server.url);
  neon.searchParams.set("options", "-c neon.timeline_id=1");
  for (const [address, product] of [
    [url.href, "aurora-postgresql"],
    [neon.href, "neon"],
  ] as const) {
    await using store = postgresStore({ url: address });
    const description = await store.describe();
    assert.deepEqual([description.product, description.findings.map(({ code }) => code)], [product, ["no-table"]]);
  }
  assert.deepEqual(Object.keys(await severitiesOf(server.url, "manykv")), [
    "no-fsync",
    "no-full-page-writes",
    "no-table",
  ]);
  await aurora.end();
  await admin.end();
});

test("describe() says where `synchronous_commit` is off, and finds nothing if it is off for others", async () => {
  const database = randomName();
  await table.admin.query(`CREATE DATABASE ${database}`);
  const own = await testRole(table.admin, table.url);
  const inDatabase = new URL(own.url);
  inDatabase.pathname = database;
  const messageAt = async (url: URL | string): Promise<string | undefined> => {
    await using store = postgresStore({ url: String(url), table: table.name });
    return (await store.describe()).findings.find(({ code }) => code === "asynchronous-commit")?.message;
  };
  await table.admin.query(`ALTER DATABASE ${database} SET synchronous_commit = off`);
  assert.match((await messageAt(inDatabase)) ?? "", /ALTER DATABASE \.\.\. RESET/);
  assert.equal(await messageAt(own.url), undefined);
  await table.admin.query(`ALTER ROLE ${own.name} SET synchronous_commit = off`);
  assert.match((await messageAt(own.url)) ?? "", /ALTER ROLE \.\.\. RESET/);
  assert.equal(await messageAt(table.url), undefined);
  await table.admin.query(`ALTER ROLE ${own.name} IN DATABASE ${database} SET synchronous_commit = off`);
  assert.match((await messageAt(inDatabase)) ?? "", /IN DATABASE \.\.\. RESET/);
  const inUrl = new URL(table.url);
  inUrl.searchParams.set("options", "-c synchronous_commit=off");
  assert.match((await messageAt(inUrl)) ?? "", /`options` in the URL/);
  await table.admin.query(`DROP DATABASE ${database} WITH (FORCE)`);
  await table.admin.query(`DROP ROLE ${own.name}`);
});

test.each([
  ["a table without the columns", "TABLE", "(id int PRIMARY KEY, name text)"],
  ["keys that are text", "TABLE", "(key text PRIMARY KEY, value bytea NOT NULL)"],
  ["keys that are not unique", "TABLE", "(key bytea, value bytea NOT NULL)"],
  ["a view", "VIEW", "AS SELECT ''::bytea AS key, ''::bytea AS value"],
])("describe() reports %s under the table's name", async (_, kind, definition) => {
  const name = randomName();
  await table.admin.query(`CREATE ${kind} "${name}" ${definition}`);
  const severities = await severitiesOf(table.url, name);
  assert.equal(severities["other-table-layout"], "warning");
  assert.equal(severities["no-expiry-columns"], undefined);
  await table.admin.query(`DROP ${kind} "${name}"`);
});

test("describe() reports a missing table, and says what to do", async () => {
  await using store = postgresStore({ url: table.url, table: "no_such_schema.no_such_table" });
  const { findings, table: found } = await store.describe();
  assert.deepEqual(found, { name: "no_such_schema.no_such_table", layout: undefined });
  assert.match(findings.find(({ code }) => code === "no-table")?.message ?? "", /call provision\(\)/);
});

test("describe() reports sessions that are read-only", async () => {
  const url = new URL(table.url);
  url.searchParams.set("options", "-c default_transaction_read_only=on");
  assert.equal((await severitiesOf(url.href))["read-only"], "warning");
  assert.equal((await severitiesOf(table.url))["read-only"], undefined);
});

test("describe() reports a standby, whether or not the store uses it", async () => {
  await using server = await startDedicatedPostgres({ source: "process", standby: true, durable: true });
  for (const parameters of ["", "?target_session_attrs=any"]) {
    await using store = postgresStore({ url: `${server.url}${parameters}` });
    const { product, findings } = await store.describe();
    assert.equal(product, "postgresql");
    assert.deepEqual(
      findings.map(({ code, severity }) => [code, severity]),
      [
        ["standby", "warning"],
        ["no-table", "warning"],
      ],
    );
  }
  await using store = postgresStore({ url: server.url });
  await store.describe();
  // The connection of `describe` serves no other call.
  await assert.rejects((await store.open("b")).get("a"), { code: "unavailable", reason: "25006" });
});

test("the generation changes if a restarted server may lack acknowledged writes, and only then", async () => {
  await using server = await startDedicatedPostgres({ source: "process" });
  const admin = new pg.Pool({ connectionString: server.url });
  admin.on("error", () => {});
  const names = ["logged", "unlogged"];
  for (const name of names) {
    await admin.query(
      `CREATE ${name === "unlogged" ? name : ""} TABLE ${name} (key bytea PRIMARY KEY, value bytea NOT NULL)`,
    );
  }
  const drivers = names.map((name) => postgresDriver({ url: server.url, table: name }));
  const setAll = async (): Promise<void> => {
    for (const driver of drivers) await driver.set(setRequest([["a", text("v")]]));
  };
  await setAll();
  const before = drivers.map(({ generation }) => generation);
  await server.kill();
  await server.restart();
  // The idle connections are broken, and pg may not have noticed it.
  for (const driver of drivers) await driver.get(keysRequest(["a"])).catch(() => {});
  await setAll();
  const changed = drivers.map(({ generation }, index) => generation !== before[index]);
  assert.deepEqual(changed, [false, true]);
  await Promise.all(drivers.map((driver) => driver.close()));
  await admin.end();
});

test("the generation changes if another server takes over the address", async () => {
  await using other = await startDedicatedPostgres({ source: "process" });
  const pool = new pg.Pool({ connectionString: table.url, max: 1 });
  const driver = postgresDriver({ pool, table: table.name });
  await driver.set(setRequest([["a", text("v")]]));
  const before = driver.generation;
  // The pool's next connection goes to the other server.
  const admin = new pg.Pool({ connectionString: other.url, max: 1 });
  await admin.query(`CREATE TABLE "${table.name}" (key bytea PRIMARY KEY, value bytea NOT NULL)`);
  pool.options.connectionString = other.url;
  const client = await pool.connect();
  client.release(true);
  await driver.set(setRequest([["a", text("v")]]));
  assert.notEqual(driver.generation, before);
  await pool.end();
  await admin.end();
});
