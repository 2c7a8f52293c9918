import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { conformanceSuite, skipSubject } from "@manykv/conformance";
import { afterAll, beforeAll, describe, test } from "vitest";
import { postgresDriver, postgresStore } from "../src/index.js";
import { faultOf } from "./support/fault-of.js";
import { keysRequest, setRequest, text } from "./support/requests.js";
import { until } from "./support/until.js";

const pglite = new PGlite();
const inProcess = {
  product: "pglite",
  topology: "in-process",
  abilities: { settlesLostWrites: true, ttl: true },
} as const;

beforeAll(async () => {
  await using store = postgresStore({ pglite });
  await store.provision();
});
afterAll(() => pglite.close());

conformanceSuite(
  { describe, test },
  {
    name: "postgres in PGlite",
    skip: skipSubject("core", "conformance.test.ts runs it"),
    driver: () => postgresDriver({ pglite }),
    knownServers: [
      {
        what: "a database with the table",
        driver: () => postgresDriver({ pglite }),
        description: { ...inProcess, findings: {} },
      },
      {
        what: "a database without the table",
        driver: () => postgresDriver({ pglite, table: "no_such_table" }),
        description: { ...inProcess, findings: { "no-table": "warning" } },
      },
      {
        what: "a table without the columns for expiry",
        driver: async () => {
          await pglite.exec("CREATE TABLE plain (key bytea PRIMARY KEY, value bytea NOT NULL)");
          return postgresDriver({ pglite, table: "plain" });
        },
        description: { ...inProcess, abilities: { ttl: false }, findings: { "no-expiry-columns": "warning" } },
      },
    ],
    refusals: [
      {
        what: "a table that does not exist",
        code: "no-such-store",
        driver: () => postgresDriver({ pglite, table: "no_such_table" }),
      },
    ],
  },
);

test("a database in a folder keeps its data, and stays open when the store is closed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "manykv-pglite-"));
  try {
    for (const round of [1, 2]) {
      const database = new PGlite(folder);
      const store = postgresStore({ pglite: database, table: "app.kv" });
      if (round === 1) {
        await database.exec("CREATE SCHEMA app");
        await store.provision();
        await (await store.open("b")).set("a", text("kept"));
      } else assert.deepEqual(await (await store.open("b")).get("a"), text("kept"));
      await store.close();
      assert.equal((await database.query("SELECT FROM app.kv")).rows.length, 1);
      await database.close();
      const driver = postgresDriver({ pglite: database });
      const fault = await faultOf(driver, driver.get(keysRequest(["a"])));
      assert.deepEqual([fault.code, fault.retryable], ["closed", false]);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("describe() returns the version of PGlite and the columns of the table", async () => {
  await using store = postgresStore({ pglite });
  const { version, table } = await store.describe();
  assert.match(table?.layout ?? "", /^key bytea, value bytea, expires_at /);
  // PGlite 0.4.0 does not report its version.
  assert.match(version ?? "0.4.0", /^0\.\d+\.\d+$/);
});

test("no statement of manykv runs inside `pglite.transaction()`", async () => {
  const driver = postgresDriver({ pglite });
  const seen: string[] = [];
  await pglite.transaction(async (transaction) => {
    const written = driver.set(setRequest([["between", text("v")]])).then(() => seen.push("written"));
    for (let round = 0; round < 20; round++) await transaction.query("SELECT 1");
    seen.push("end");
    await transaction.rollback();
    void written;
  });
  await until(() => seen.length === 2);
  assert.deepEqual(seen, ["end", "written"]);
  assert.deepEqual((await driver.get(keysRequest(["between"]))).values, [text("v")]);
});

test("requests that are given up during a long transaction leave nothing, and are never applied", async () => {
  const driver = postgresDriver({ pglite });
  let end = (): void => {};
  const transaction = pglite.transaction(() => new Promise<void>((resolve) => (end = resolve)));
  const faults = await Promise.all(
    Array.from({ length: 10_000 }, (_, index) =>
      faultOf(driver, driver.set(setRequest([[`given-up-${index}`, text("v")]], "b", AbortSignal.timeout(50)))),
    ),
  );
  for (const fault of faults) assert.deepEqual([fault.code, fault.effect], ["timeout", "none"]);
  end();
  await transaction;
  await driver.set(setRequest([["after", text("v")]]));
  const { rows } = await pglite.query("SELECT FROM manykv WHERE convert_from(key, 'UTF8') LIKE 'b:given-up-%'");
  assert.equal(rows.length, 0);
});

test("the application's listeners receive the notifications of manykv's statements", async () => {
  await pglite.exec(`
    CREATE FUNCTION notify() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NOTIFY changed; RETURN NULL; END';
    CREATE TRIGGER notify AFTER INSERT ON manykv FOR EACH ROW EXECUTE FUNCTION notify()`);
  let notified = 0;
  const stop = await pglite.listen("changed", () => notified++);
  await postgresDriver({ pglite }).set(setRequest([["notify", text("v")]]));
  await until(() => notified === 1);
  await stop();
  await pglite.exec("DROP TRIGGER notify ON manykv; DROP FUNCTION notify");
});

test("a view in PGlite is not written", async () => {
  await pglite.exec("CREATE VIEW some_view AS SELECT * FROM manykv");
  const driver = postgresDriver({ pglite, table: "some_view" });
  const fault = await faultOf(driver, driver.set(setRequest([["a", text("v")]])));
  assert.deepEqual([fault.code, fault.effect], ["invalid-argument", "none"]);
  await driver.close();
});

test("errors of PGlite have the same codes as those of a server, and the session stays usable", async () => {
  const missing = postgresDriver({ pglite, table: "missing" });
  const fault = await faultOf(missing, missing.get(keysRequest(["a"])));
  assert.deepEqual([fault.code, fault.effect, fault.reason], ["no-such-store", "none", "42P01"]);
  const driver = postgresDriver({ pglite });
  await pglite.exec("BEGIN");
  const open = await faultOf(driver, driver.set(setRequest([["open", text("v")]])));
  assert.deepEqual([open.code, open.effect], ["internal", "unknown"]);
  assert.match(open.reason ?? "", /transaction/);
  await pglite.exec("ROLLBACK");
  assert.equal((await driver.get(keysRequest(["open"]))).values[0], undefined);
});

test("if PGlite's queue fails, the error does not say that the database cannot be opened", async () => {
  const failing = Object.assign(Object.create(pglite), { _runExclusiveTransaction: async () => assert.fail("canary") });
  const driver = postgresDriver({ pglite: failing });
  const fault = await faultOf(driver, driver.set(setRequest([["a", text("v")]])));
  assert.deepEqual([fault.code, fault.effect, fault.reason], ["internal", "none", "PGlite's queue failed"]);
});

test("a database that cannot be opened is reported", async () => {
  const broken = new PGlite("/dev/null/nothing");
  const driver = postgresDriver({ pglite: broken });
  const fault = await faultOf(driver, driver.get(keysRequest(["a"])));
  assert.deepEqual(
    [fault.code, fault.retryable, fault.reason],
    ["unavailable", false, "PGlite cannot open its database"],
  );
});
