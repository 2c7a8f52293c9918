import assert from "node:assert/strict";
import { randomName } from "@manykv/test-services";
import { test } from "vitest";
import { postgresStore } from "../src/index.js";
import { text } from "./support/requests.js";
import { testRole } from "./support/role.js";
import { testTable } from "./support/test-table.js";

const table = testTable();

test("several stores can provision the same table at the same time, and the table keeps its data", async () => {
  const schema = randomName();
  await table.admin.query(`CREATE SCHEMA ${schema}`);
  const options = { url: table.url, table: `${schema}.Some-Table` };
  const stores = Array.from({ length: 8 }, () => postgresStore(options));
  await Promise.all(stores.map((store) => store.provision()));
  const bucket = await (stores[0] ?? assert.fail()).open("b");
  await bucket.set("a", text("kept"));
  await Promise.all(stores.map((store) => store.provision()));
  assert.deepEqual(await bucket.get("a"), text("kept"));
  const { rows } = await table.admin.query("SELECT tablename FROM pg_tables WHERE schemaname = $1", [schema]);
  assert.deepEqual(rows, [{ tablename: "Some-Table" }]);
  await Promise.all(stores.map((store) => store.close()));
  await table.admin.query(`DROP SCHEMA ${schema} CASCADE`);
});

test("provision needs no permission to create tables if the table exists", async () => {
  const role = await testRole(table.admin, table.url);
  await using store = postgresStore({ url: role.url, table: table.name });
  await store.provision();
  await using other = postgresStore({ url: role.url, table: randomName() });
  await assert.rejects(other.provision(), { code: "access-denied", message: /42501/ });
  await store.close();
  await other.close();
  await table.admin.query(`DROP ROLE ${role.name}`);
});

test("the URL can name the table", async () => {
  const url = new URL(table.url);
  url.searchParams.set("table", table.name);
  await using store = postgresStore({ url: url.href });
  const bucket = await store.open("b");
  await bucket.set("by-url", text("v"));
  const { rowCount } = await table.admin.query(`SELECT FROM "${table.name}" WHERE key = 'b:by-url'`);
  assert.equal(rowCount, 1);
});
