import assert from "node:assert/strict";
import { FaultError } from "@manykv/core/driver";
import { randomName } from "@manykv/test-services";
import pg from "pg";
import { test } from "vitest";
import { postgresDriver } from "../src/index.js";
import { faultOf } from "./support/fault-of.js";
import { keysRequest, setRequest, text } from "./support/requests.js";
import { testRole } from "./support/role.js";
import { testTable } from "./support/test-table.js";
import { until } from "./support/until.js";

const table = testTable();
const { admin } = table;

/** `url` contains the credentials of a role that is a member of the role `other`. Both roles may use the table. */
interface Roles {
  readonly url: string;
  readonly other: string;
}

async function withRoles(body: (roles: Roles) => Promise<void>): Promise<void> {
  const login = await testRole(admin, table.url);
  const other = randomName();
  await admin.query(`CREATE ROLE ${other} IN ROLE pg_signal_backend`);
  await admin.query(`GRANT ${other} TO ${login.name}`);
  await admin.query(`GRANT ALL ON "${table.name}" TO ${other}`);
  try {
    await body({ url: login.url, other });
  } finally {
    await until(async () => (await sessionsOf(login.name)) === 0);
    await admin.query(`DROP OWNED BY ${other}, ${login.name}`);
    await admin.query(`DROP ROLE ${other}, ${login.name}`);
  }
}

async function sessionsOf(role: string, waiting = false): Promise<number> {
  const { rowCount } = await admin.query(
    `SELECT FROM pg_stat_activity WHERE usename = $1 ${waiting ? "AND wait_event_type = 'Lock'" : ""}`,
    [role],
  );
  return rowCount ?? 0;
}

/** Runs `body` while the row of a key is locked. */
async function whileLocked(name: string, body: () => Promise<void>): Promise<void> {
  const locker = await admin.connect();
  try {
    await locker.query("BEGIN");
    await locker.query(`SELECT FROM "${table.name}" WHERE key = $1 FOR UPDATE`, [Buffer.from(`b:${name}`)]);
    await body();
  } finally {
    await locker.query("ROLLBACK");
    locker.release();
  }
}

test("a session that changed its role can write, but its lost writes have no fence", async () => {
  await withRoles(async ({ url, other }) => {
    const changed = new URL(url);
    changed.searchParams.set("options", `-c role=${other}`);
    const driver = postgresDriver({ url: changed.href, table: table.name });
    await driver.set(setRequest([["changed", text("v")]]));
    assert.deepEqual((await driver.get(keysRequest(["changed"]))).values, [text("v")]);
    await whileLocked("changed", async () => {
      const controller = new AbortController();
      const cancelled = faultOf(driver, driver.delete(keysRequest(["changed"], "b", controller.signal)));
      await until(async () => (await sessionsOf(changed.username, true)) === 1);
      controller.abort();
      const fault = await cancelled;
      assert.deepEqual([fault.code, fault.effect, fault.fence], ["timeout", "unknown", undefined]);
    });
    await driver.close();
  });
});

test("if the role cannot see the process of a lost write, its fence rejects and later writes proceed", async () => {
  await withRoles(async ({ url, other }) => {
    const pool = new pg.Pool({ connectionString: url, max: 2 });
    const driver = postgresDriver({ pool, table: table.name });
    await driver.set(setRequest([["lost", text("1")]]));
    pool.on("connect", (client) => void client.query(`SET ROLE ${other}`));
    await whileLocked("lost", async () => {
      const controller = new AbortController();
      const cancelled = faultOf(driver, driver.set(setRequest([["lost", text("2")]], "b", controller.signal)));
      const login = new URL(url).username;
      await until(async () => (await sessionsOf(login, true)) === 1);
      controller.abort();
      const { effect, fence } = await cancelled;
      assert.equal(effect, "unknown");
      await assert.rejects(
        async () => fence?.(keysRequest([])),
        (error) => {
          return FaultError.is(error) && error.fault.code === "access-denied";
        },
      );
      await driver.set(setRequest([["next", text("v")]]));
      assert.equal(await sessionsOf(login, true), 1);
      const { settlesLostWrites, findings } = (await driver.describe?.(keysRequest([]))) ?? {};
      assert.equal(settlesLostWrites, false);
      assert.ok(findings?.some(({ code }) => code === "cannot-settle"));
    });
    await pool.end();
  });
});
