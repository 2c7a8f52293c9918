import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { createRequest } from "@manykv/core/driver";
import pg from "pg";
import { test } from "vitest";
import { postgresDriver } from "../src/index.js";
import { statementsFor } from "../src/table/statements.js";
import { keysRequest } from "./support/requests.js";
import { testTable } from "./support/test-table.js";

const table = testTable();
const { admin, name } = table;

/** Returns the generic plan of a statement: the plan that the server makes without knowing the parameter values. */
async function genericPlan(text: string, ...types: string[]): Promise<string> {
  const client = await admin.connect();
  try {
    await client.query(`PREPARE explained (${types}) AS ${text}`);
    await client.query("SET plan_cache_mode = force_generic_plan");
    const { rows } = await client.query(`EXPLAIN EXECUTE explained (${types.map(() => "NULL")})`);
    return JSON.stringify(rows);
  } finally {
    client.release(true);
  }
}

test("statements use the index to find keys", async () => {
  await admin.query(`INSERT INTO "${name}" SELECT convert_to(i::text, 'UTF8'), '' FROM generate_series(1, 20000) i`);
  await admin.query(`ANALYZE "${name}"`);
  const { getOne, getMany, existsOne, existsMany, deleteOne, deleteMany } = statementsFor(`"${name}"`);
  for (const { text } of [getOne, existsOne, deleteOne]) {
    assert.doesNotMatch(await genericPlan(text, "bytea"), /Seq Scan/);
  }
  for (const { text } of [getMany, existsMany, deleteMany]) {
    assert.doesNotMatch(await genericPlan(text, "bytea[]"), /Seq Scan/);
  }
});

test("a page of a listing comes from one scan of the index of the keys, without the rows", async () => {
  await admin.query(`INSERT INTO "${name}" SELECT convert_to('b:' || i, 'UTF8'), '' FROM generate_series(1, 20000) i`);
  await admin.query(`VACUUM ANALYZE "${name}"`);
  const { list, listLive } = statementsFor(`"${name}"`);
  const plan = await genericPlan(list.text, "bytea", "bytea");
  assert.match(plan, new RegExp(`Index Only Scan using ${name}_pkey`));
  assert.doesNotMatch(plan, /Seq Scan|Sort|Append/);
  assert.doesNotMatch(await genericPlan(listLive.text, "bytea", "bytea"), /Seq Scan|Sort/);
});

test("the server keeps the plan of a listing, whatever its prefix", async () => {
  const pool = new pg.Pool({ connectionString: table.url, max: 1 });
  const driver = postgresDriver({ pool, table: name });
  for (let number = 0; number < 20; number++) {
    await driver.list(createRequest({ bucket: "b", prefix: `${1_000 + number}`, cursor: undefined }));
  }
  const { rows } = await pool.query<{ kept: boolean }>(
    "SELECT generic_plans >= 15 AS kept FROM pg_prepared_statements WHERE name LIKE 'manykv_list_%'",
  );
  assert.deepEqual(rows, [{ kept: true }]);
  await pool.end();
});

test("a statement is prepared again after a slow execution", async () => {
  const pool = new pg.Pool({ connectionString: table.url, max: 1 });
  const driver = postgresDriver({ pool, table: name });
  const get = async (): Promise<string> => {
    await driver.get(keysRequest(["a", "b"]));
    const { rows } = await pool.query<{ name: string; time: string }>(
      "SELECT name, prepare_time::text AS time FROM pg_prepared_statements WHERE name LIKE 'manykv%'",
    );
    assert.deepEqual(
      rows.map((row) => row.name.replace(/[0-9a-f]+$/, "")),
      ["manykv_get_many_"],
    );
    return rows[0]?.time ?? "";
  };
  const first = await get();
  assert.equal(await get(), first);
  const locker = await admin.connect();
  await locker.query(`BEGIN; LOCK TABLE "${name}"`);
  const slow = get();
  await delay(100);
  await locker.query("COMMIT");
  locker.release();
  assert.equal(await slow, first);
  assert.notEqual(await get(), first);
  await pool.end();
});
