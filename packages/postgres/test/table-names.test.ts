import assert from "node:assert/strict";
import { randomName } from "@manykv/test-services";
import { test } from "vitest";
import { postgresStore } from "../src/index.js";
import { text } from "./support/requests.js";
import { testTable } from "./support/test-table.js";

const { admin, url } = testTable();

test.each([
  ...["found", "changed", "gone", "written", "first", "expired", "plain", "wanted", "none"],
  ...["live", "stored", "entry", "clock", "excluded", "key", "value", "select"],
])("a table may have the name %s, which the statements contain", async (table) => {
  const schema = randomName();
  await admin.query(`CREATE SCHEMA "${schema}"`);
  const inSchema = new URL(url);
  inSchema.searchParams.set("options", `-c search_path=${schema}`);
  await using store = postgresStore({ url: inSchema.href, table });
  const bucket = await store.open("b");
  for (const layout of ["expiring", "plain"]) {
    if (layout === "expiring") await store.provision();
    else await admin.query(`ALTER TABLE "${schema}"."${table}" DROP expires_at, DROP sweep_at`);
    await bucket.set("a", text("1"));
    await bucket.setMany(["b", "c"].map((key) => [key, text("2")]));
    await assert.rejects(bucket.setMany([["c", text("3")]], { ifAbsent: true }), { code: "precondition-failed" });
    await bucket.set("d", text("4"), { ifAbsent: true });
    assert.equal(await bucket.increment("a", 2), 3n);
    assert.deepEqual(await bucket.compareAndSwap("d", { expected: text("4"), value: text("5") }), { swapped: true });
    assert.deepEqual(await bucket.compareAndSwap("d", { expected: text("5"), value: undefined }), { swapped: true });
    if (layout === "expiring") {
      await bucket.setMany([["e", text("6")]], { ttl: 60_000, ifAbsent: true });
      assert.ok(Number((await bucket.ttlMany(["e"]))[0]) > 0);
    }
    await bucket.delete("e");
    assert.deepEqual(await bucket.get("b"), text("2"));
    assert.deepEqual(await bucket.existsMany(["a", "d", "c"]), [true, false, true]);
    assert.equal(await bucket.exists("a"), true);
    assert.deepEqual((await bucket.listKeys()).keys, ["a", "b", "c"]);
    const buckets: string[] = [];
    for await (const each of store.buckets()) buckets.push(each);
    assert.deepEqual(buckets, ["b"]);
    assert.equal(await store.sweep(), 0);
    await bucket.deleteMany(["a", "b", "c"]);
    assert.deepEqual((await bucket.listKeys()).keys, []);
  }
  await admin.query(`DROP SCHEMA "${schema}" CASCADE`);
});
