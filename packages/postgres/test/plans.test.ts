import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { test } from "vitest";
import { postgresDriver } from "../src/index.js";
import { statementsFor } from "../src/table/statements.js";
import { keysRequest } from "./support/requests.js";
import { testTable } from "./support/test-table.js";

const table = testTable();
const { admin, name } = table;

/** The plan that the server keeps, which serves any parameter. */
async function genericPlan(text: string, type: string): Promise<string> {
  const client = await admin.connect();
  try {
    await client.query(`PREPARE explained (${type}) AS ${text}`);
    await client.query("SET plan_cache_mode = force_generic_plan");
    const { rows } = await client.query("EXPLAIN EXECUTE explained (NULL)");
    return JSON.stringify(rows);
  } finally {
    client.release(true);
  }
}

test("keys are looked up in the index", async () => {
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

test("a plan does not outlive the size that the table had: it is renewed, and large batches keep none", async () => {
  const pool = new pg.Pool({ connectionString: table.url, max: 1 });
  const driver = postgresDriver({ pool, table: name });
  const prepared = async (): Promise<string[]> => {
    const { rows } = await pool.query<{ name: string; time: string }>(
      "SELECT name, prepare_time::text AS time FROM pg_prepared_statements WHERE name LIKE 'manykv%'",
    );
    return rows.map((row) => `${row.name} ${row.time}`);
  };
  const keys = Array.from({ length: 1_000 }, (_, index) => `key${index}`);
  await driver.get(keysRequest(keys));
  assert.deepEqual(await prepared(), []);
  await driver.get(keysRequest(keys.slice(0, 2)));
  const [first] = await prepared();
  assert.match(first ?? "", /^manykv_get_many_/);
  await delay(1_100);
  await driver.get(keysRequest(keys.slice(0, 2)));
  const later = await prepared();
  assert.equal(later.length, 1);
  assert.notEqual(later[0], first);
  await pool.end();
});
