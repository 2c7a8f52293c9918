import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { randomName } from "@manykv/test-services";
import { test } from "vitest";
import { postgresStore } from "../src/index.js";
import { text } from "./support/requests.js";
import { testRole } from "./support/role.js";
import { partitionedTable, temporaryTable } from "./support/temporary-table.js";
import { testTable } from "./support/test-table.js";
import { until } from "./support/until.js";

const { admin, url } = testTable();
/** The columns of a table that an earlier version of manykv created. */
const plainColumns = "key bytea PRIMARY KEY, value bytea NOT NULL";
const unsupported = { code: "unsupported", message: /call provision\(\)/ };

/** Returns the valid indexes of a table on `sweep_at`, and the invalid ones. */
async function indexesOf(table: string): Promise<{ valid: number; invalid: number }> {
  const { rows } = await admin.query(
    `SELECT count(*) FILTER (WHERE indisvalid)::int AS valid, count(*) FILTER (WHERE NOT indisvalid)::int AS invalid
      FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
      WHERE indrelid = to_regclass($1) AND attname = 'sweep_at'`,
    [`"${table}"`],
  );
  return rows[0];
}

test("without the columns for expiry, everything works except ttl, which says what to do", async () => {
  await using table = await temporaryTable(admin, plainColumns);
  await using store = postgresStore({ url, table: table.name });
  const bucket = await store.open("b");
  await assert.rejects(bucket.set("a", text("1"), { ttl: 1_000 }), unsupported);
  await assert.rejects(bucket.setMany([["a", text("1")]], { ttl: 1_000, ifAbsent: true }), unsupported);
  await assert.rejects(bucket.increment("a", 1, { ttl: 1_000 }), unsupported);
  await assert.rejects(bucket.ttlMany(["a"]), unsupported);
  await bucket.set("a", text("1"));
  await bucket.setMany([
    ["a", text("2")],
    ["b", text("3")],
  ]);
  assert.equal(await bucket.increment("a"), 3n);
  await assert.rejects(
    bucket.setMany(
      ["a", "c"].map((key) => [key, text("4")]),
      { ifAbsent: true },
    ),
    {
      counts: { applied: 1, "not-applied": 1, unknown: 0 },
    },
  );
  assert.deepEqual(await bucket.compareAndSwap("d", { expected: undefined, value: text("5") }), { swapped: true });
  assert.deepEqual(await bucket.compareAndSwap("d", { expected: text("6"), value: undefined }), {
    swapped: false,
    current: text("5"),
  });
  assert.deepEqual((await bucket.listKeys()).keys, ["a", "b", "c", "d"]);
  assert.equal(await store.sweep(), 0);
  const { findings } = await store.describe();
  assert.match(findings.find(({ code }) => code === "no-expiry-columns")?.message ?? "", /provision\(\)/);
});

test("a store that was used before another one upgraded the table notices it at its next call", async () => {
  for (const prepare of [true, false]) {
    await using table = await temporaryTable(admin, plainColumns);
    await using early = postgresStore({ url, table: table.name, prepare });
    await using upgrading = postgresStore({ url, table: table.name });
    const bucket = await early.open("b");
    const other = await upgrading.open("b");
    const keys = ["a", "b", "c", "d"];
    const entries = keys.map((key): [string, Uint8Array] => [key, text("1")]);
    const useAll = async (): Promise<void> => {
      await bucket.set("a", text("1"));
      await bucket.setMany(entries);
      await bucket.get("a");
      await bucket.getMany(keys);
      await bucket.existsMany(keys);
      await bucket.listKeys();
      await bucket.deleteMany(["none", "neither"]);
    };
    // The server has the plans of these statements when the table changes.
    for (let round = 0; round < 7; round++) await useAll();
    await upgrading.provision();
    await useAll();
    await other.setMany(entries, { ttl: 60_000 });
    await bucket.set("a", text("2"));
    await bucket.setMany(["b", "c"].map((key) => [key, text("2")]));
    const left = await bucket.ttlMany(keys);
    assert.deepEqual(left.slice(0, 3), [null, null, null]);
    assert.ok(Number(left[3]) > 0);
    await other.setMany(entries, { ttl: 1 });
    await until(async () => !(await other.exists("a")));
    assert.deepEqual(await bucket.getMany(keys), [undefined, undefined, undefined, undefined]);
    assert.deepEqual((await bucket.listKeys()).keys, []);
    await bucket.setMany(entries, { ifAbsent: true });
    assert.deepEqual(await bucket.ttlMany(keys), [null, null, null, null]);
  }
});

test("the statements of the previous version work during and after the upgrade, but do not remove an expiry", async () => {
  await using table = await temporaryTable(admin, plainColumns);
  await using store = postgresStore({ url, table: table.name });
  const set = {
    name: randomName(),
    text: `INSERT INTO "${table.name}" AS stored (key, value) VALUES ($1, $2)
      ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
  };
  const get = { name: randomName(), text: `SELECT value FROM "${table.name}" WHERE key = $1` };
  const client = await admin.connect();
  let upgraded = false;
  let rounds = 0;
  const previous = (async () => {
    for (let last = false; !last; rounds++) {
      last = upgraded;
      await client.query({ ...set, values: [Buffer.from("b:a"), Buffer.from(String(rounds))] });
      const { rows } = await client.query({ ...get, values: [Buffer.from("b:a")] });
      assert.equal(rows[0].value.toString(), String(rounds));
    }
  })();
  await until(() => rounds > 20);
  await store.provision();
  upgraded = true;
  await previous;
  const bucket = await store.open("b");
  await bucket.set("a", text("expires"), { ttl: 60_000 });
  await client.query({ ...set, values: [Buffer.from("b:a"), Buffer.from("new")] });
  client.release();
  assert.deepEqual(await bucket.get("a"), text("new"));
  assert.notEqual((await bucket.ttlMany(["a"]))[0], null);
});

test("several stores upgrade a table at the same time, and repeat it", async () => {
  await using table = await temporaryTable(admin, plainColumns);
  await admin.query(
    `INSERT INTO "${table.name}" SELECT convert_to('b:' || i, 'UTF8'), 'v' FROM generate_series(1, 20000) i`,
  );
  const stores = Array.from({ length: 6 }, () => postgresStore({ url, table: table.name }));
  await Promise.all(stores.map((store) => store.provision()));
  assert.deepEqual(await indexesOf(table.name), { valid: 1, invalid: 0 });
  await Promise.all(stores.map((store) => store.provision()));
  const { abilities, findings } = await (stores[0] ?? assert.fail()).describe();
  assert.equal(abilities.ttl, true);
  assert.ok(!findings.some(({ code }) => code.startsWith("no-expiry")));
  await Promise.all(stores.map((store) => store.close()));
});

test("provision() replaces an index that another session did not complete", async () => {
  await using table = await temporaryTable(admin, plainColumns);
  await using store = postgresStore({ url, table: table.name });
  await store.provision();
  await admin.query("UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass($1)", [
    `"${table.name}_sweep_at"`,
  ]);
  const codes = async (): Promise<string[]> => (await store.describe()).findings.map(({ code }) => code);
  assert.ok((await codes()).includes("no-expiry-index"));
  await store.provision();
  assert.deepEqual(await indexesOf(table.name), { valid: 1, invalid: 0 });
  assert.ok(!(await codes()).includes("no-expiry-index"));
});

test("provision() lets other statements proceed while a transaction uses the table, and then succeeds", async () => {
  await using table = await temporaryTable(admin, plainColumns);
  await using store = postgresStore({ url, table: table.name });
  const bucket = await store.open("b");
  await bucket.set("a", text("1"));
  const client = await admin.connect();
  await client.query("BEGIN");
  await client.query(`SELECT FROM "${table.name}"`);
  let isProvisioned = false;
  const provisioned = store.provision().then(() => (isProvisioned = true));
  // Without a limit, each of these statements would wait for the one that waits for the transaction.
  for (let round = 0; round < 20; round++) {
    assert.deepEqual(await bucket.get("a"), text("1"));
    await delay(20);
  }
  assert.equal(isProvisioned, false);
  await client.query("COMMIT");
  client.release();
  await provisioned;
  assert.deepEqual(await indexesOf(table.name), { valid: 1, invalid: 0 });
});

test("a role that does not own the table can call provision(), which changes nothing", async () => {
  await using table = await temporaryTable(admin, plainColumns);
  const role = await testRole(admin, url);
  await admin.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON "${table.name}" TO ${role.name}`);
  const store = postgresStore({ url: role.url, table: table.name });
  await store.provision();
  const bucket = await store.open("b");
  await bucket.set("a", text("1"));
  await assert.rejects(bucket.set("a", text("1"), { ttl: 1_000 }), unsupported);
  await store.close();
  await admin.query(`REVOKE ALL ON "${table.name}" FROM ${role.name}`);
  await admin.query(`DROP ROLE ${role.name}`);
});

test("a partitioned table is upgraded, and its keys expire", async () => {
  await using table = await partitionedTable(admin, 3);
  await using store = postgresStore({ url, table: table.name });
  await store.provision();
  const bucket = await store.open("b");
  const keys = Array.from({ length: 30 }, (_, index) => `key-${index}`);
  await bucket.setMany(
    keys.map((key) => [key, text("v")]),
    { ttl: 1 },
  );
  await until(async () => (await bucket.listKeys()).keys.length === 0);
  assert.equal(await store.sweep(), 30);
});

test("provision() refuses a column `expires_at` of another type", async () => {
  await using table = await temporaryTable(admin, `${plainColumns}, expires_at bigint`);
  await using store = postgresStore({ url, table: table.name });
  await assert.rejects(store.provision(), {
    code: "invalid-argument",
    message: /`expires_at` and `sweep_at` must both be/,
  });
});
