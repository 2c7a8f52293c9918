import assert from "node:assert/strict";
import { randomName, startDedicatedPostgres } from "@manykv/test-services";
import pg from "pg";
import { test } from "vitest";
import { type PostgresStoreOptions, postgresDriver, postgresStore } from "../src/index.js";
import { startServerThatSays } from "./support/fake-server.js";
import { poolWithHiddenProcess } from "./support/hidden-process.js";
import { keysRequest, setRequest, text } from "./support/requests.js";
import { testRole } from "./support/role.js";
import { testTable } from "./support/test-table.js";

const table = testTable();

/** Returns the message of a finding of `describe()`, or an empty text if there is no such finding. */
async function messageOf(code: string, options: PostgresStoreOptions): Promise<string> {
  await using store = postgresStore(options);
  const { findings } = await store.describe();
  return findings.find((finding) => finding.code === code)?.message ?? "";
}

test("describe() returns the version of the server, and the name and the columns of the table", async () => {
  await using store = postgresStore({ url: table.url, table: table.name });
  const { rows } = await table.admin.query("SHOW server_version");
  const { version, table: found } = await store.describe();
  assert.ok(rows[0].server_version.startsWith(version), `${version} is not the version ${rows[0].server_version}`);
  assert.equal(found?.name, table.name);
  assert.match(found.layout ?? "", /^key bytea, value bytea, expires_at timestamp with time zone, sweep_at timestamp/);
});

test("describe() says that lost writes cannot be settled on a server that does not list its processes", async () => {
  await using server = await startServerThatSays("something else");
  assert.match(await messageOf("cannot-settle", { url: server.url }), /does not list.*use PostgreSQL itself/);
});

test("describe() says that lost writes cannot be settled behind a pooler", async () => {
  const pool = poolWithHiddenProcess(table.url);
  assert.match(await messageOf("cannot-settle", { pool }), /pooler hides.*connect directly/);
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
  assert.match(await messageOf("cannot-settle", { url: role.url }), /pg_terminate_backend/);
  const store = postgresStore({ url: role.url });
  await store.provision();
  await (await store.open("b")).set("a", text("v"));
  await store.close();
  await admin.query(`DROP OWNED BY ${role.name}`);
  await admin.query(`DROP ROLE ${role.name}`);
  await admin.end();
  await table.admin.query(`DROP DATABASE ${database} WITH (FORCE)`);
});

test("describe() says where `synchronous_commit` is off, and finds nothing if it is off for others", async () => {
  const database = randomName();
  await table.admin.query(`CREATE DATABASE ${database}`);
  const own = await testRole(table.admin, table.url);
  const inDatabase = new URL(own.url);
  inDatabase.pathname = database;
  const messageAt = (url: URL | string): Promise<string> => messageOf("asynchronous-commit", { url: String(url) });
  await table.admin.query(`ALTER DATABASE ${database} SET synchronous_commit = off`);
  assert.match(await messageAt(inDatabase), /ALTER DATABASE \.\.\. RESET/);
  assert.equal(await messageAt(own.url), "");
  await table.admin.query(`ALTER ROLE ${own.name} SET synchronous_commit = off`);
  assert.match(await messageAt(own.url), /ALTER ROLE \.\.\. RESET/);
  assert.equal(await messageAt(table.url), "");
  await table.admin.query(`ALTER ROLE ${own.name} IN DATABASE ${database} SET synchronous_commit = off`);
  assert.match(await messageAt(inDatabase), /IN DATABASE \.\.\. RESET/);
  const inUrl = new URL(table.url);
  inUrl.searchParams.set("options", "-c synchronous_commit=off");
  assert.match(await messageAt(inUrl), /`options` in the URL/);
  await table.admin.query(`DROP DATABASE ${database} WITH (FORCE)`);
  await table.admin.query(`DROP ROLE ${own.name}`);
});

test("describe() reports a missing table, and says what to do", async () => {
  await using store = postgresStore({ url: table.url, table: "no_such_schema.no_such_table" });
  const { findings, table: found } = await store.describe();
  assert.deepEqual(found, { name: "no_such_schema.no_such_table", layout: undefined });
  assert.match(findings.find(({ code }) => code === "no-table")?.message ?? "", /call provision\(\)/);
});

test("the connection on which describe() reads a standby serves no other call", async () => {
  await using server = await startDedicatedPostgres({ source: "process", standby: true });
  await using store = postgresStore({ url: server.url });
  await store.describe();
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
