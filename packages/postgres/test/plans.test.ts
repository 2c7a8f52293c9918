import assert from "node:assert/strict";
import { test } from "vitest";
import { statementsFor } from "../src/table/statements.js";
import { testTable } from "./support/test-table.js";

const table = testTable();
const { get, exists, delete: remove } = statementsFor(`"${table.name}"`);

/** As the server would run it with a plan that serves any parameter, which is what it keeps. */
async function genericPlan(text: string): Promise<string> {
  const client = await table.admin.connect();
  try {
    await client.query(`PREPARE looked_up (bytea[]) AS ${text}`);
    await client.query("SET plan_cache_mode = force_generic_plan");
    const { rows } = await client.query("EXPLAIN EXECUTE looked_up (ARRAY['a'::bytea])");
    return JSON.stringify(rows);
  } finally {
    client.release(true);
  }
}

test("keys are looked up in the index, and by a hash table where a plan of a tiny table reads all of it", async () => {
  const { admin, name } = table;
  for (const { text } of [get, exists, remove]) {
    await admin.query(`TRUNCATE "${name}"`);
    await admin.query(
      `INSERT INTO "${name}" SELECT convert_to(i::text, 'UTF8'), '' FROM generate_series(1, 20000) i`,
    );
    await admin.query(`ANALYZE "${name}"`);
    const large = await genericPlan(text);
    assert.match(large, /Index (Only )?Scan/);
    assert.doesNotMatch(large, /Seq Scan/);
    await admin.query(`TRUNCATE "${name}"`);
    await admin.query(`INSERT INTO "${name}" VALUES ('a', '')`);
    await admin.query(`VACUUM ANALYZE "${name}"`);
    const tiny = await genericPlan(text);
    assert.match(tiny, /Seq Scan/);
    // Each of them: a delete has one that finds the rows and one that takes them.
    assert.equal(tiny.match(/hashed SubPlan/g)?.length, tiny.match(/Seq Scan/g)?.length);
  }
});
