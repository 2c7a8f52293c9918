import assert from "node:assert/strict";
import { setMaxListeners } from "node:events";
import type { Driver } from "@manykv/core/driver";
import { randomName } from "@manykv/test-services";
import pg from "pg";
import { test } from "vitest";
import { postgresDriver, postgresStore } from "../src/index.js";
import { faultOf } from "./support/fault-of.js";
import { keysRequest, setRequest, text } from "./support/requests.js";
import { testTable } from "./support/test-table.js";
import { until } from "./support/until.js";

const table = testTable();

/** Runs `body` with a pool and a driver that uses it, and ends the pool afterwards. */
async function withPool(
  config: pg.PoolConfig,
  body: (driver: ReturnType<typeof postgresDriver>, pool: pg.Pool) => Promise<void>,
): Promise<void> {
  const pool = new pg.Pool({ connectionString: table.url, ...config });
  try {
    await body(postgresDriver({ pool, table: table.name }), pool);
  } finally {
    await pool.end();
  }
}

test("the caller's pool stays open when the store is closed", async () => {
  const pool = new pg.Pool({ connectionString: table.url });
  const store = postgresStore({ pool, table: table.name });
  await (await store.open("b")).set("a", text("v"));
  await store.close();
  assert.equal((await pool.query("SELECT 1")).rowCount, 1);
  await pool.end();
});

test("without a free connection, requests fail with `unavailable`, or with `timeout` if they are aborted", async () => {
  await withPool({ max: 1, connectionTimeoutMillis: 2_000 }, async (driver, pool) => {
    const holder = await pool.connect();
    const fault = await faultOf(driver, driver.set(setRequest([["a", text("v")]])));
    assert.deepEqual([fault.code, fault.effect, fault.retryable], ["unavailable", "none", true]);
    holder.release();
  });
  await withPool({ max: 1 }, async (driver, pool) => {
    const holder = await pool.connect();
    const controller = new AbortController();
    const pending = faultOf(driver, driver.set(setRequest([["a", text("v")]], "b", controller.signal)));
    controller.abort();
    const fault = await pending;
    assert.deepEqual([fault.code, fault.effect, fault.retryable], ["timeout", "none", true]);
    holder.release();
    // A client that arrives after the abort is released immediately.
    await until(() => pool.idleCount === 1 && pool.waitingCount === 0);
  });
});

test("100 requests of which some fail and some are cancelled leak no connection", async () => {
  await withPool({ max: 3 }, async (driver, pool) => {
    const missing = postgresDriver({ pool, table: randomName() });
    const requests = Array.from({ length: 100 }, async (_, index) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), (index % 10) * 3);
      const request = setRequest([[`leak${index}`, text("v")]], "b", controller.signal);
      await (index % 4 === 0 ? missing : driver).set(request).catch(() => {});
    });
    await Promise.all(requests);
    await until(() => pool.waitingCount === 0 && pool.idleCount === pool.totalCount);
    assert.ok(pool.totalCount <= 3);
    assert.equal((await driver.get(keysRequest(["not there"]))).values[0], undefined);
  });
});

test("writers that wait for the same lost writes share the work of settling them", async () => {
  await withPool({ max: 10 }, async (driver, pool) => {
    const lost = Array.from({ length: 10 }, (_, index) => `lost${index}`);
    await driver.set(setRequest(lost.map((key) => [key, text("v")])));
    const locker = await table.admin.connect();
    try {
      await locker.query("BEGIN");
      await locker.query(`SELECT FROM "${table.name}" FOR UPDATE`);
      await loseWrites(driver, lost);
      let acquired = 0;
      pool.on("acquire", () => acquired++);
      const writers = Array.from({ length: 100 }, (_, index) => `after${index}`);
      await Promise.all(writers.map((key) => driver.set(setRequest([[key, text("v")]]))));
      // Each write takes one connection, and ending each process takes a few. Unshared work would take over 1,000.
      assert.ok(acquired < 600, `the pool must hand out fewer than 600 connections, but handed out ${acquired}`);
    } finally {
      await locker.query("ROLLBACK");
      locker.release();
    }
  });
});

/** Writes keys whose rows are all locked, and cancels the writes once they wait for the locks. */
async function loseWrites(driver: Driver, keys: readonly string[]): Promise<void> {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  const faults = keys.map((key) => faultOf(driver, driver.set(setRequest([[key, text("w")]], "b", controller.signal))));
  await until(async () => {
    const waiting = await table.admin.query(
      "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1",
      [`%${table.name}%`],
    );
    return waiting.rowCount === keys.length;
  });
  controller.abort();
  for (const fault of await Promise.all(faults)) assert.equal(fault.effect, "unknown");
}

test("a client that was released inside a transaction causes an error, and nothing is written", async () => {
  await withPool({ max: 1 }, async (driver, pool) => {
    pool.once("connect", (client) => void client.query("BEGIN"));
    const fault = await faultOf(driver, driver.set(setRequest([["open", text("v")]])));
    assert.deepEqual([fault.code, fault.effect], ["internal", "none"]);
    assert.match(fault.reason ?? "", /transaction/);
    assert.equal((await driver.get(keysRequest(["open"]))).values[0], undefined);
  });
});

test("the caller's type parsers, bytea_output and client settings have no effect", async () => {
  const parsers = [17, 20, 23, 25].map((type) => [type, pg.types.getTypeParser(type)] as const);
  for (const [type] of parsers) pg.types.setTypeParser(type, () => "not this");
  const options = "-c bytea_output=escape -c standard_conforming_strings=off -c DateStyle=German";
  try {
    await withPool({ options, query_timeout: 5_000 }, async (driver) => {
      const value = new Uint8Array([0, 255, 92, 39]);
      await driver.set(setRequest([["\u0000\\'", value]]));
      assert.deepEqual((await driver.get(keysRequest(["\u0000\\'"]))).values, [value]);
    });
  } finally {
    for (const [type, parser] of parsers) pg.types.setTypeParser(type, parser);
  }
});

test("after connections lose their prepared statements, requests succeed without prepared statements", async () => {
  await withPool({ max: 4 }, async (_driver, pool) => {
    await using store = postgresStore({ pool, table: table.name });
    const bucket = await store.open("b");
    const keys = Array.from({ length: 4 }, (_, index) => `forgotten${index}`);
    const setAll = async (value: string): Promise<void> => {
      await Promise.all(keys.map((key) => bucket.set(key, text(value))));
    };
    const forgetAll = async (): Promise<void> => {
      const clients = await Promise.all(keys.map(() => pool.connect()));
      for (const client of clients) {
        await client.query("DEALLOCATE ALL");
        client.release();
      }
    };
    await setAll("1");
    await forgetAll();
    await setAll("2");
    await forgetAll();
    for (const key of keys) assert.deepEqual(await bucket.get(key), text("2"));
  });
});

test("the caller can run other statements on the same connections", async () => {
  await withPool({ max: 1 }, async (driver, pool) => {
    for (let round = 0; round < 20; round++) {
      const own = pool.query({
        name: "own",
        text: "SELECT $1::bytea AS bytes",
        values: [Buffer.from([round, 200])],
      });
      const [, mine] = await Promise.all([driver.set(setRequest([["turn", new Uint8Array([round])]])), own]);
      assert.deepEqual(mine.rows[0].bytes, Buffer.from([round, 200]));
      assert.deepEqual((await driver.get(keysRequest(["turn"]))).values, [new Uint8Array([round])]);
    }
  });
});

test("a request on an ended pool rejects immediately with `closed`", async () => {
  const pool = new pg.Pool({ connectionString: table.url });
  await pool.end();
  const driver = postgresDriver({ pool, table: table.name });
  const fault = await faultOf(driver, driver.get(keysRequest(["a"])));
  assert.deepEqual([fault.code, fault.retryable], ["closed", false]);
});

test("a client whose socket has no reader is rejected", async () => {
  await withPool({ max: 1 }, async (driver, pool) => {
    pool.on("connect", (client) => client.connection.stream.removeAllListeners("data"));
    const fault = await faultOf(driver, driver.set(setRequest([["a", text("v")]])));
    assert.deepEqual([fault.code, fault.effect, fault.retryable], ["invalid-argument", "none", false]);
    assert.equal(pool.totalCount, 0);
  });
});
