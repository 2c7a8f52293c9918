import assert from "node:assert/strict";
import { randomName } from "@manykv/test-services";
import { test } from "vitest";
import { postgresStore } from "../src/index.js";
import { text } from "./support/requests.js";
import { testRole } from "./support/role.js";
import { startProxy } from "./support/start-proxy.js";
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

/** Uses a store on a server that lacks `words`: the proxy replaces them with unknown words. Returns what was sent. */
async function provisionWithout(words: readonly string[], name: string): Promise<readonly string[]> {
  await using proxy = await startProxy(table.url);
  const sent: string[] = [];
  proxy.intercept = (chunk, direction) => {
    if (direction === "answer") return chunk;
    let text = chunk.toString("latin1");
    sent.push(text);
    for (const word of words) text = text.replaceAll(word, `x${word.slice(1)}`);
    return Buffer.from(text, "latin1");
  };
  await using store = postgresStore({ url: proxy.url(table.url), table: name });
  await store.provision();
  const bucket = await store.open("b");
  await bucket.set("a", text("v"));
  await bucket.setMany(["b", "c"].map((key) => [key, text(key)]));
  assert.deepEqual(await bucket.get("a"), text("v"));
  assert.deepEqual(await bucket.getMany(["c", "d"]), [["c", text("c")], undefined]);
  await bucket.deleteMany(["a", "b"]);
  assert.equal(await bucket.exists("a"), false);
  assert.deepEqual(await bucket.listKeys(), { keys: ["c"] });
  await store.provision();
  const { abilities, findings } = await store.describe();
  const listsProcesses = !words.includes("pg_stat_get_activity");
  assert.equal(abilities.settlesLostWrites, listsProcesses);
  assert.equal(
    findings.some(({ code }) => code === "cannot-settle"),
    !listsProcesses,
  );
  return sent;
}

/** Returns `l` if the server supports LZ4, as it is stored in the catalog, or else an empty string. */
async function bestCompression(): Promise<string> {
  const name = randomName();
  try {
    await table.admin.query(`CREATE TABLE "${name}" (value bytea COMPRESSION lz4)`);
  } catch {
    return "";
  }
  await table.admin.query(`DROP TABLE "${name}"`);
  return "l";
}

const lackingWords = [
  [],
  ["COMPRESSION"],
  ["fillfactor"],
  ["COMPRESSION", "fillfactor"],
  ["indnkeyatts"],
  ["COMPRESSION", "fillfactor", "pg_index", "pg_stat_get_activity"],
];

test("a store works on servers that lack LZ4, storage parameters and parts of the catalog", async () => {
  const best = await bestCompression();
  for (const words of lackingWords) {
    const name = randomName();
    const sent = await provisionWithout(words, name);
    const { rows } = await table.admin.query(
      `SELECT attcompression, coalesce(reloptions, '{}') AS reloptions
        FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid WHERE relname = $1 AND attname = 'value'`,
      [name],
    );
    const expected = {
      attcompression: words.includes("COMPRESSION") || words.includes("fillfactor") ? "" : best,
      reloptions: words.includes("fillfactor") ? [] : ["fillfactor=70"],
    };
    assert.deepEqual(rows, [expected], `without ${words.join(" and ")}`);
    // Servers that are only compatible with Postgres lack these.
    for (const text of sent) assert.doesNotMatch(text, /\bDO\b(?! UPDATE)|ctid|advisory|ALTER/);
    await table.admin.query(`DROP TABLE "${name}"`);
  }
});

test("provision reports a table without the columns of manykv", async () => {
  const name = randomName();
  await table.admin.query(`CREATE TABLE "${name}" (key text PRIMARY KEY, value bytea NOT NULL)`);
  await using store = postgresStore({ url: table.url, table: name });
  await assert.rejects(store.provision(), { code: "invalid-argument", message: /`key bytea`/ });
  await table.admin.query(`DROP TABLE "${name}"`);
});
