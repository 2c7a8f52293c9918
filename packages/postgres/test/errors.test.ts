import assert from "node:assert/strict";
import { inspect } from "node:util";
import type { Driver, Fault } from "@manykv/core/driver";
import { randomName, startDedicatedPostgres } from "@manykv/test-services";
import pg from "pg";
import { test } from "vitest";
import { postgresDriver, postgresStore } from "../src/index.js";
import { faultOf } from "./support/fault-of.js";
import { keysRequest, setRequest, text } from "./support/requests.js";
import { testRole } from "./support/role.js";
import { temporaryTable } from "./support/temporary-table.js";
import { testTable } from "./support/test-table.js";
import { until } from "./support/until.js";

const table = testTable();

/** Returns a driver whose sessions use these Postgres settings. */
function driverWith(settings: Readonly<Record<string, string>>): Driver {
  const url = new URL(table.url);
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
  url.searchParams.set("options", options.join(" "));
  return postgresDriver({ url: url.href, table: table.name });
}

const key = (name: string): Buffer => Buffer.from(`b:${name}`);

/** Runs `body` while another transaction locks the row of a key. Inserts the row first if it does not exist. */
async function whileLocked(name: string, body: (other: pg.PoolClient) => Promise<void>): Promise<void> {
  await table.admin.query(`INSERT INTO "${table.name}" VALUES ($1, '') ON CONFLICT DO NOTHING`, [key(name)]);
  const other = await table.admin.connect();
  try {
    await other.query("BEGIN");
    await other.query(`UPDATE "${table.name}" SET value = 'theirs' WHERE key = $1`, [key(name)]);
    await body(other);
  } finally {
    await other.query("ROLLBACK");
    other.release();
  }
}

async function isWaiting(): Promise<boolean> {
  const { rowCount } = await table.admin.query(
    "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1",
    [`%${table.name}%`],
  );
  return rowCount === 1;
}

function assertFault(fault: Fault, code: Fault["code"], reason: string | undefined, retryable: boolean): void {
  assert.deepEqual(
    { code: fault.code, reason: fault.reason, retryable: fault.retryable, effect: fault.effect },
    { code, reason, retryable, effect: "none" },
  );
}

test("statement_timeout fails a write with `timeout` and rolls it back", async () => {
  await whileLocked("timeout", async () => {
    const driver = driverWith({ statement_timeout: "100" });
    const fault = await faultOf(driver, driver.set(setRequest([["timeout", text("v")]])));
    assertFault(fault, "timeout", "57014", true);
    await driver.close();
  });
});

test("transaction_timeout fails a write with `timeout` and rolls it back", async () => {
  await whileLocked("transaction", async () => {
    // Postgres 17 added `transaction_timeout`. On older servers, this test uses `statement_timeout`.
    const { rowCount } = await table.admin.query("SELECT FROM pg_settings WHERE name = 'transaction_timeout'");
    const [setting, state] = rowCount === 1 ? ["transaction_timeout", "25P04"] : ["statement_timeout", "57014"];
    const driver = driverWith({ [setting]: "100" });
    const fault = await faultOf(driver, driver.set(setRequest([["transaction", text("v")]])));
    assertFault(fault, "timeout", state, true);
    await driver.close();
  });
});

test("lock_timeout fails a write with `throttled` and rolls it back", async () => {
  await whileLocked("lock", async () => {
    const driver = driverWith({ lock_timeout: "100" });
    const fault = await faultOf(driver, driver.delete(keysRequest(["lock"])));
    assertFault(fault, "throttled", "55P03", true);
    await driver.close();
  });
});

test("a deadlock with another transaction fails a write with `throttled` and rolls it back", async () => {
  await whileLocked("z", async (other) => {
    // The session whose `deadlock_timeout` ends first detects the deadlock and fails: here the driver's session.
    await other.query("SET LOCAL deadlock_timeout = '60s'");
    await table.admin.query(`INSERT INTO "${table.name}" VALUES ($1, '') ON CONFLICT DO NOTHING`, [key("a")]);
    const driver = driverWith({ deadlock_timeout: "300" });
    const ours = faultOf(
      driver,
      driver.set(
        setRequest([
          ["a", text("v")],
          ["z", text("v")],
        ]),
      ),
    );
    await until(isWaiting);
    const theirs = other.query(`UPDATE "${table.name}" SET value = 'theirs' WHERE key = $1`, [key("a")]);
    assertFault(await ours, "throttled", "40P01", true);
    await theirs;
    await driver.close();
  });
});

test("a serialization failure fails a write with `throttled` and rolls it back", async () => {
  await whileLocked("serial", async (other) => {
    const driver = driverWith({ default_transaction_isolation: "serializable" });
    const ours = faultOf(driver, driver.set(setRequest([["serial", text("v")]])));
    await until(isWaiting);
    await other.query("COMMIT");
    assertFault(await ours, "throttled", "40001", true);
    await driver.close();
  });
});

test("a write whose wait for synchronous standbys is cancelled is unknown, and is repeated", async () => {
  await using server = await startDedicatedPostgres({ source: "process" });
  await using store = postgresStore({ url: server.url });
  await store.provision();
  const admin = new pg.Pool({ connectionString: server.url });
  await admin.query("ALTER SYSTEM SET synchronous_standby_names = 'none'");
  await admin.query("SELECT pg_reload_conf()");
  const cancel = async (): Promise<void> =>
    until(async () => {
      const waiting = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
      return (await admin.query(waiting)).rowCount === 1;
    });
  const driver = postgresDriver({ url: server.url });
  const [fault] = await Promise.all([faultOf(driver, driver.set(setRequest([["a", text("1")]]))), cancel()]);
  assert.deepEqual([fault.code, fault.effect, fault.retryable], ["unavailable", "unknown", true]);
  assert.match(fault.reason ?? "", /synchronous standbys/);
  const bucket = await store.open("b");
  const setting = bucket.set("a", text("2"));
  await cancel();
  await admin.query("ALTER SYSTEM RESET synchronous_standby_names");
  await admin.query("SELECT pg_reload_conf()");
  await setting;
  assert.deepEqual(await bucket.get("a"), text("2"));
  await driver.close();
  await admin.end();
});

test("a read-only session rejects writes with `unavailable`", async () => {
  const driver = driverWith({ default_transaction_read_only: "on" });
  assertFault(await faultOf(driver, driver.set(setRequest([["a", text("v")]]))), "unavailable", "25006", true);
  assertFault(await faultOf(driver, driver.delete(keysRequest(["a"]))), "unavailable", "25006", true);
  assert.equal((await driver.get(keysRequest(["not there"]))).values[0], undefined);
  await driver.close();
});

test("a terminated session fails a write with `unavailable`, rolls it back and leaks no connection", async () => {
  await whileLocked("ended", async () => {
    const pool = new pg.Pool({ connectionString: table.url, max: 2 });
    const driver = postgresDriver({ pool, table: table.name });
    const ours = faultOf(driver, driver.set(setRequest([["ended", text("v")]])));
    await until(isWaiting);
    await table.admin.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1",
      [`%${table.name}%`],
    );
    assertFault(await ours, "unavailable", "57P01", true);
    assert.deepEqual([pool.totalCount, pool.waitingCount], [0, 0]);
    await pool.end();
  });
});

test("a missing table, schema or database fails with `no-such-store`, and the message says what to do", async () => {
  for (const [name, state] of [
    [randomName(), "42P01"],
    [`${randomName()}.manykv`, "42P01"],
  ] as const) {
    const driver = postgresDriver({ url: table.url, table: name });
    const faults = await Promise.all([
      faultOf(driver, driver.get(keysRequest(["a"]))),
      faultOf(driver, driver.set(setRequest([["a", text("v")]]))),
      faultOf(driver, driver.delete(keysRequest(["a"]))),
    ]);
    for (const fault of faults) assertFault(fault, "no-such-store", state, false);
    await driver.close();
  }
  const url = new URL(table.url);
  url.pathname = randomName();
  const driver = postgresDriver({ url: url.href });
  assertFault(await faultOf(driver, driver.get(keysRequest(["a"]))), "no-such-store", "3D000", false);
  await driver.close();

  await using store = postgresStore({ url: table.url, table: randomName() });
  const bucket = await store.open("b");
  await assert.rejects(bucket.set("a", text("v")), { code: "no-such-store", message: /provision\(\)/ });
  await using nowhere = postgresStore({ url: table.url, table: `${randomName()}.manykv` });
  await assert.rejects(nowhere.provision(), { code: "no-such-store", message: /3F000/ });
});

test("a table with other columns is rejected with `invalid-argument`", async () => {
  for (const columns of [
    "key text PRIMARY KEY, value bytea",
    "key bytea PRIMARY KEY, value text",
    "key bytea, value bytea",
    "id int",
  ]) {
    await using other = await temporaryTable(table.admin, columns);
    const { name } = other;
    const driver = postgresDriver({ url: table.url, table: name });
    for (const fault of [
      await faultOf(driver, driver.set(setRequest([["a", text("v")]]))),
      await faultOf(driver, driver.provision?.(keysRequest([])) ?? Promise.resolve()),
    ]) {
      assert.equal(fault.code, "invalid-argument");
      assert.equal(fault.effect, "none");
    }
    await driver.close();
  }
});

test("provision rejects a nullable value column, and a set replaces a null", async () => {
  await using other = await temporaryTable(table.admin, "key bytea PRIMARY KEY, value bytea");
  const { name } = other;
  await table.admin.query(`INSERT INTO "${name}" VALUES ('b:a', NULL)`);
  await using store = postgresStore({ url: table.url, table: name });
  await assert.rejects(store.provision(), { code: "invalid-argument", message: /value bytea NOT NULL/ });
  const bucket = await store.open("b");
  assert.equal(await bucket.get("a"), undefined);
  await bucket.set("a", text("v"));
  assert.deepEqual(await bucket.get("a"), text("v"));
});

test("a read from a text column rejects instead of returning hexadecimal text", async () => {
  await using other = await temporaryTable(table.admin, "key bytea PRIMARY KEY, value text");
  const { name } = other;
  await table.admin.query(`INSERT INTO "${name}" VALUES ('b:a', 'v')`);
  const driver = postgresDriver({ url: table.url, table: name });
  assert.equal((await faultOf(driver, driver.get(keysRequest(["a"])))).code, "invalid-argument");
  await driver.close();
});

test("an unknown role with a wrong password is rejected with `access-denied`", async () => {
  const url = new URL(table.url);
  url.username = randomName();
  url.password = "not-the-password";
  await using store = postgresStore({ url: url.href, table: table.name });
  const bucket = await store.open("b");
  await assert.rejects(bucket.get("a"), { code: "access-denied", tag: "access-denied", message: /28/ });
});

test("a role without permission on the table is rejected with `access-denied`", async () => {
  const role = await testRole(table.admin, table.url);
  const driver = postgresDriver({ url: role.url, table: table.name });
  assertFault(await faultOf(driver, driver.get(keysRequest(["a"]))), "access-denied", "42501", false);
  await table.admin.query(`GRANT SELECT ON "${table.name}" TO ${role.name}`);
  assert.equal((await driver.get(keysRequest(["not there"]))).values[0], undefined);
  assertFault(await faultOf(driver, driver.set(setRequest([["a", text("v")]]))), "access-denied", "42501", false);
  await driver.close();
  await table.admin.query(`REVOKE ALL ON "${table.name}" FROM ${role.name}`);
  await table.admin.query(`DROP ROLE ${role.name}`);
});

test("calls over the connection limit of a role fail with `unavailable` until a connection is free", async () => {
  const role = await testRole(table.admin, table.url);
  await table.admin.query(`ALTER ROLE ${role.name} CONNECTION LIMIT 1`);
  await table.admin.query(`GRANT SELECT ON "${table.name}" TO ${role.name}`);
  const holder = new pg.Client({ connectionString: role.url });
  await holder.connect();
  const driver = postgresDriver({ url: role.url, table: table.name });
  assertFault(await faultOf(driver, driver.get(keysRequest(["a"]))), "unavailable", "53300", true);
  await using store = postgresStore({ url: role.url, table: table.name });
  const bucket = await store.open("b");
  const read = bucket.get("not there");
  await holder.end();
  assert.equal(await read, undefined);
  await store.close();
  await driver.close();
  await table.admin.query(`REVOKE ALL ON "${table.name}" FROM ${role.name}`);
  await until(async () => {
    const left = await table.admin.query("SELECT FROM pg_stat_activity WHERE usename = $1", [role.name]);
    return left.rowCount === 0;
  });
  await table.admin.query(`DROP ROLE ${role.name}`);
});

test("a call to an address without a server fails with `unavailable`", async () => {
  await using store = postgresStore({ url: "postgres://user:secret@127.0.0.1:1/db", retry: { attempts: 2 } });
  const bucket = await store.open("b");
  await assert.rejects(bucket.getMany(["a"]), { code: "unavailable", message: /ECONNREFUSED/ });
  await assert.rejects(bucket.setMany([["a", text("v")]]), {
    code: "unavailable",
    counts: { applied: 0, "not-applied": 1, unknown: 0 },
  });
});

test("no error contains a password, a key or a value", async () => {
  const url = new URL(table.url);
  url.username = randomName();
  url.password = "canary-password";
  await using store = postgresStore({ url: url.href, table: table.name });
  const bucket = await store.open("b");
  const calls = await Promise.allSettled([
    bucket.setMany([["canary-key", text("canary-value")]]),
    bucket.getMany(["canary-key"]),
    bucket.listKeys(),
    store.provision(),
  ]);
  for (const call of calls) {
    assert.equal(call.status, "rejected");
    const error: unknown = call.reason;
    const shown = [
      inspect(error, { depth: 20, showHidden: true }),
      JSON.stringify(error),
      String((error as Error).stack),
    ];
    for (const one of shown) assert.doesNotMatch(one, /canary/);
  }
  assert.doesNotMatch(inspect(store, { depth: 20, showHidden: true }), /canary-password/);
});
