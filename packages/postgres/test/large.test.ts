import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "vitest";
import { postgresStore } from "../src/index.js";
import { testTable } from "./support/test-table.js";

const table = testTable();
const options = { timeout: Number.POSITIVE_INFINITY };

test("sets and gets values of 64 MiB, compressible or not", async () => {
  await using store = postgresStore({ url: table.url, table: table.name });
  const bucket = await store.open("large");
  assert.equal(bucket.limits.maxValueBytes, 67_108_864);
  for (const value of [new Uint8Array(randomBytes(67_108_864)), new Uint8Array(67_108_864).fill(7)]) {
    await bucket.set("value", value, options);
    const back = await bucket.get("value", options);
    assert.equal(Buffer.compare(back ?? assert.fail(), value), 0);
  }
  await bucket.delete("value");
});

test("sets, gets, lists and deletes 100,000 keys", async () => {
  await using store = postgresStore({ url: table.url, table: table.name });
  const bucket = await store.open("many");
  await using other = postgresStore({ url: table.url, table: table.name });
  await (await other.open("many.")).set("not ours", new Uint8Array(1));
  const entries = Array.from(
    { length: 100_000 },
    (_, index) => [`key${index}`, new Uint8Array(100).fill(index)] as const,
  );
  await bucket.setMany(entries, options);
  const values = await bucket.getMany(
    entries.map(([key]) => key),
    options,
  );
  for (const [index, found] of values.entries()) assert.deepEqual(found?.[1], entries[index]?.[1]);
  const listed: string[] = [];
  for await (const key of bucket.keys()) listed.push(key);
  assert.deepEqual(new Set(listed), new Set(entries.map(([key]) => key)));
  assert.equal(listed.length, 100_000);
  await bucket.deleteMany(
    entries.map(([key]) => key),
    options,
  );
  assert.deepEqual((await bucket.listKeys()).keys, []);
});
