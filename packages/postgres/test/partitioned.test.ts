import assert from "node:assert/strict";
import { test } from "vitest";
import { postgresStore } from "../src/index.js";
import { text } from "./support/requests.js";
import { partitionedTable } from "./support/temporary-table.js";
import { testTable } from "./support/test-table.js";
import { until } from "./support/until.js";

const { admin, url } = testTable();

test("in a partitioned table, a delete removes only the given keys", async () => {
  await using partitioned = await partitionedTable(admin, 4);
  await using store = postgresStore({ url, table: partitioned.name });
  await store.provision();
  const bucket = await store.open("b");
  const keys = Array.from({ length: 40 }, (_, index) => `key${index}`);
  const setAll = (value: string): Promise<void> => bucket.setMany(keys.map((key) => [key, text(value)]));
  const left = async (): Promise<string[]> => {
    const found = await bucket.getMany(keys);
    return keys.filter((_, index) => found[index] !== undefined);
  };
  await setAll("first");
  await bucket.delete("key0");
  assert.deepEqual(await left(), keys.slice(1));
  await setAll("second");
  await bucket.deleteMany(keys.slice(10, 20));
  assert.deepEqual(await left(), [...keys.slice(0, 10), ...keys.slice(20)]);
  await bucket.deleteMany(keys);
  assert.deepEqual(await left(), []);
});

test("a delete waits for a concurrent update and removes the new version", async () => {
  await using partitioned = await partitionedTable(admin, 4);
  await using store = postgresStore({ url, table: partitioned.name });
  const bucket = await store.open("b");
  for (const remove of [() => bucket.delete("key1"), () => bucket.deleteMany(["key3", "key2", "key1"])]) {
    await bucket.setMany(["key1", "key2", "key3"].map((key) => [key, text("old")]));
    const other = await admin.connect();
    try {
      await other.query("BEGIN");
      await other.query(`UPDATE "${partitioned.name}" SET value = 'new' WHERE key = 'b:key1'`);
      const removed = remove();
      await until(async () => {
        const { rowCount } = await admin.query(
          "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1",
          [`%${partitioned.name}%`],
        );
        return rowCount === 1;
      });
      await other.query("COMMIT");
      await removed;
    } finally {
      other.release();
    }
    assert.equal(await bucket.exists("key1"), false);
  }
});
