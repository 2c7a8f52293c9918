import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { BatchError, type Bucket } from "@manykv/core";
import { randomName } from "@manykv/test-services";
import { test } from "vitest";
import { postgresStore } from "../src/index.js";
import { text } from "./support/requests.js";
import { temporaryTable } from "./support/temporary-table.js";
import { testTable } from "./support/test-table.js";
import { until } from "./support/until.js";

const { admin, url, name } = testTable();
const columns = "key bytea PRIMARY KEY, value bytea NOT NULL, expires_at timestamptz, sweep_at timestamptz";

function open(table = name): { bucket: Promise<Bucket> } & AsyncDisposable {
  const store = postgresStore({ url, table, retry: { attempts: 3 } });
  return { bucket: store.open(randomName()), [Symbol.asyncDispose]: () => store.close() };
}

/** Holds a lock on the row of a key while `body` runs, and then commits `change`. */
async function whileLocked(stored: string, change: string, body: () => Promise<void>): Promise<void> {
  const client = await admin.connect();
  try {
    await client.query("BEGIN");
    await client.query(`SELECT FROM "${name}" WHERE key = $1 FOR UPDATE`, [Buffer.from(stored)]);
    await body();
    if (change !== "") await client.query(change, [Buffer.from(stored)]);
    await client.query("COMMIT");
  } finally {
    client.release();
  }
}

/** Waits until a session waits for a lock. */
function someoneWaits(): Promise<void> {
  return until(async () => {
    const { rowCount } = await admin.query(
      "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1",
      [`%${name}%`],
    );
    return Number(rowCount) > 0;
  });
}

test("a ttl of up to 2^53 - 1 ms is exact, and counts from the time at which the row was written", async () => {
  await using opened = open();
  const bucket = await opened.bucket;
  const longest = Number.MAX_SAFE_INTEGER;
  await bucket.setMany([
    ["longest", text("v"), { ttl: longest }],
    ["long", text("v"), { ttl: 8_999_999_999_999 }],
    ["none", text("v")],
  ]);
  const [first, second, third] = await bucket.ttlMany(["longest", "long", "none"]);
  assert.ok(first && first <= longest && first > longest - 60_000);
  assert.ok(second && second <= 8_999_999_999_999 && second > 8_999_999_999_999 - 60_000);
  assert.equal(third, null);
  const stored = Buffer.from(`${bucket.name}:long`);
  let set: Promise<void> | undefined;
  let unlockedAt = 0;
  await whileLocked(stored.toString(), "", async () => {
    set = bucket.set("long", text("w"), { ttl: 60_000 });
    await someoneWaits();
    await delay(200);
    const { rows } = await admin.query("SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS time");
    unlockedAt = rows[0].time;
  });
  await set;
  const { rows } = await admin.query(
    `SELECT extract(epoch FROM expires_at)::float8 * 1000 AS expiry FROM "${name}" WHERE key = $1`,
    [stored],
  );
  assert.ok(rows[0].expiry >= unlockedAt + 60_000);
});

test("an expired row counts as missing for each conditional write", async () => {
  await using opened = open();
  const bucket = await opened.bucket;
  const keys = ["absent", "many", "counter", "swapped", "compared"];
  await bucket.setMany(
    keys.map((key) => [key, text("5")]),
    { ttl: 1 },
  );
  await until(async () => !(await bucket.existsMany(keys)).includes(true));
  await bucket.set("absent", text("new"), { ifAbsent: true });
  await bucket.setMany([["many", text("new"), { ttl: 60_000 }]], { ifAbsent: true });
  assert.equal(await bucket.increment("counter", 2, { ttl: 60_000 }), 2n);
  assert.equal(await bucket.increment("counter", 3, { ttl: 600_000 }), 5n);
  const compared = await bucket.compareAndSwap("compared", { expected: text("5"), value: text("6") });
  assert.deepEqual(compared, { swapped: false, current: undefined });
  const swapped = await bucket.compareAndSwap("swapped", { expected: undefined, value: text("7") });
  assert.deepEqual(swapped, { swapped: true });
  const [absent, many, counter, created] = await bucket.ttlMany(keys);
  assert.deepEqual([absent, created], [null, null]);
  for (const left of [many, counter]) assert.ok(left && left <= 60_000 && left > 1_000);
});

test("an increment of a value that is not a 64-bit integer in canonical form changes nothing", async () => {
  await using opened = open();
  const bucket = await opened.bucket;
  const wrong = [
    "",
    "01",
    "-0",
    "+1",
    " 1",
    "1 ",
    "1\n",
    "1e3",
    "0x1",
    "٣",
    "9223372036854775808",
    "-9223372036854775809",
  ];
  for (const value of [...wrong.map(text), new Uint8Array([0xff, 0]), new Uint8Array(100_000).fill(0x31)]) {
    await bucket.set("wrong", value);
    await assert.rejects(bucket.increment("wrong"), { code: "wrong-type" });
    assert.deepEqual(await bucket.get("wrong"), value);
  }
  for (const [start, delta] of [
    ["9223372036854775807", 1n],
    ["-9223372036854775808", -1n],
  ] as const) {
    await bucket.set("edge", text(start));
    await assert.rejects(bucket.increment("edge", delta), { code: "precondition-failed" });
    assert.deepEqual(await bucket.get("edge"), text(start));
  }
});

test("if a swap waits for another writer, it compares the value that the writer commits", async () => {
  await using opened = open();
  const bucket = await opened.bucket;
  for (const [committed, result] of [
    ["old", { swapped: true }],
    ["other", { swapped: false, current: text("other") }],
  ] as const) {
    await bucket.set("key", text("old"));
    let swap: Promise<unknown> | undefined;
    await whileLocked(`${bucket.name}:key`, `UPDATE "${name}" SET value = '${committed}' WHERE key = $1`, async () => {
      swap = bucket.compareAndSwap("key", { expected: text("old"), value: text("new") });
      await someoneWaits();
    });
    assert.deepEqual(await swap, result);
    assert.deepEqual(await bucket.get("key"), text(result.swapped ? "new" : "other"));
  }
});

test("concurrent swaps, increments and creations lose no update", async () => {
  await using opened = open();
  const bucket = await opened.bucket;
  const clients = Array.from({ length: 8 }, (_, index) => index);
  let won = 0;
  await Promise.all(
    clients.map(async (client) => {
      for (let round = 0; round < 25; round++) {
        await bucket.increment("sum");
        for (;;) {
          const current = await bucket.get("swaps");
          const next = text(String(Number(current === undefined ? 0 : Buffer.from(current).toString()) + 1));
          if ((await bucket.compareAndSwap("swaps", { expected: current, value: next })).swapped) break;
        }
        const keys = [5, 3, 9, 1, 7].map((key) => `new-${round}-${key}`);
        try {
          await bucket.setMany(
            keys.map((key) => [key, text(String(client))]),
            { ifAbsent: true },
          );
          won += keys.length;
        } catch (error) {
          assert.ok(BatchError.is(error));
          assert.equal(error.counts.unknown, 0);
          for (const { code } of error.failures()) assert.equal(code, "precondition-failed");
          won += error.counts.applied;
        }
      }
    }),
  );
  assert.deepEqual(await bucket.get("sum"), text("200"));
  assert.deepEqual(await bucket.get("swaps"), text("200"));
  assert.equal(won, 125);
});

test("sweep deletes expired rows of all buckets, and later writes with a ttl delete some", async () => {
  await using table = await temporaryTable(admin, columns);
  await admin.query(`CREATE INDEX ON "${table.name}" (sweep_at) WHERE sweep_at IS NOT NULL`);
  await admin.query(
    `INSERT INTO "${table.name}" SELECT convert_to('b' || i % 2 || ':' || i, 'UTF8'), 'v', now() - interval '1 hour', now()
      FROM generate_series(1, 12000) i`,
  );
  await using store = postgresStore({ url, table: table.name });
  const bucket = await store.open("b1");
  const rows = async (): Promise<number> => Number((await admin.query(`SELECT FROM "${table.name}"`)).rowCount);
  assert.deepEqual((await bucket.listKeys()).keys, []);
  await until(async () => {
    await bucket.set("live", text("v"), { ttl: 600_000 });
    return (await rows()) < 12_001;
  });
  await store.sweep();
  await until(async () => (await rows()) === 1);
  assert.ok(await bucket.exists("live"));
});

test("listings are correct before, while and after the table contains expired rows", async () => {
  await using table = await temporaryTable(admin, columns);
  await using store = postgresStore({ url, table: table.name });
  const bucket = await store.open("b");
  const keys = async (): Promise<readonly string[]> => (await bucket.listKeys()).keys;
  const expire = (key: string): Promise<unknown> =>
    admin.query(`UPDATE "${table.name}" SET expires_at = now(), sweep_at = now() WHERE key = $1`, [
      Buffer.from(`b:${key}`),
    ]);
  assert.deepEqual(await keys(), []);
  await bucket.setMany(["a", "b", "c", "d"].map((key) => [key, text("v")]));
  assert.deepEqual(await keys(), ["a", "b", "c", "d"]);
  await expire("b");
  assert.deepEqual(await keys(), ["a", "c", "d"]);
  await store.sweep();
  assert.deepEqual(await keys(), ["a", "c", "d"]);
  assert.deepEqual(await keys(), ["a", "c", "d"]);
  await expire("c");
  assert.deepEqual(await keys(), ["a", "d"]);
});

test("listings with a prefix and the names of buckets come from ranges of the index", async () => {
  await using table = await temporaryTable(admin, columns);
  const names = ["a", "a-b", "A", "a.b", "_", "zz"];
  await using store = postgresStore({ url, table: table.name });
  for (const each of names) {
    const bucket = await store.open(each);
    await bucket.setMany(["x%", "x_", "xx", "y", "\u{10ffff}", "\u{10ffff}1"].map((key) => [key, text("v")]));
  }
  await (await store.open("expired")).set("key", text("v"), { ttl: 1 });
  // Rows of other programs, without a bucket.
  await admin.query(`INSERT INTO "${table.name}" VALUES ('no colon', ''), (':', ''), ('b b:', ''), ('\\xff3a', '')`);
  await until(async () => !(await (await store.open("expired")).exists("key")));
  const found: string[] = [];
  for await (const each of store.buckets()) found.push(each);
  assert.deepEqual(found.sort(), [...names].sort());
  const bucket = await store.open("a");
  for (const [prefix, expected] of [
    ["x", ["x%", "x_", "xx"]],
    ["x%", ["x%"]],
    ["x_", ["x_"]],
    ["\u{10ffff}", ["\u{10ffff}", "\u{10ffff}1"]],
    ["z", []],
  ] as const) {
    assert.deepEqual((await bucket.listKeys({ prefix })).keys, expected);
  }
});

test("if a trigger prevents a conditional write, the outcome says so", async () => {
  await using table = await temporaryTable(admin, columns);
  await using opened = open(table.name);
  const bucket = await opened.bucket;
  await bucket.setMany(["number", "value"].map((key) => [key, text("1")]));
  const trigger = randomName();
  await admin.query(`CREATE FUNCTION ${trigger}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`);
  await admin.query(
    `CREATE TRIGGER ${trigger} BEFORE INSERT OR UPDATE ON "${table.name}" FOR EACH ROW EXECUTE FUNCTION ${trigger}()`,
  );
  const notApplied = { counts: { applied: 0, "not-applied": 1, unknown: 0 }, message: /check (its|the) triggers/ };
  await assert.rejects(bucket.set("new", text("1"), { ifAbsent: true }), notApplied);
  await assert.rejects(bucket.increment("new"), notApplied);
  await assert.rejects(bucket.compareAndSwap("new", { expected: undefined, value: text("2") }), notApplied);
  await assert.rejects(bucket.compareAndSwap("value", { expected: text("1"), value: text("2") }), notApplied);
  await assert.rejects(bucket.set("new", text("1"), { ttl: 60_000 }), notApplied);
  assert.deepEqual(await bucket.getMany(["new", "value"]), [undefined, ["value", text("1")]]);
  await admin.query(`DROP FUNCTION ${trigger} CASCADE`);
});
