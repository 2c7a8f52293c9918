import assert from "node:assert/strict";
import { test } from "vitest";
import { postgresStore } from "../src/index.js";
import { text } from "./support/requests.js";
import { partitionedTable } from "./support/temporary-table.js";
import { testTable } from "./support/test-table.js";

const { admin, url } = testTable();

test("in a partitioned table a delete takes the rows of its own keys and no others", async () => {
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
