import assert from "node:assert/strict";
import { BatchError, type Bucket } from "@manykv/core";
import { createRequest } from "@manykv/core/driver";
import { randomName } from "@manykv/test-services";
import { afterAll, test } from "vitest";
import { postgresDriver, postgresStore } from "../src/index.js";
import { faultOf } from "./support/fault-of.js";
import { keysRequest, listRequest, setRequest, text } from "./support/requests.js";
import { testRole } from "./support/role.js";
import { temporaryTable } from "./support/temporary-table.js";
import { testTable } from "./support/test-table.js";

const { admin, url } = testTable();
const columns = "key bytea PRIMARY KEY, value bytea NOT NULL";
const functions: string[] = [];

afterAll(async () => {
  for (const name of functions) await admin.query(`DROP FUNCTION IF EXISTS ${name} CASCADE`);
});

/** Adds a trigger to a table. `body` is the body of its function. */
async function addTrigger(table: string, when: string, body: string): Promise<void> {
  const name = randomName();
  functions.unshift(name);
  await admin.query(`CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} END $$`);
  await admin.query(`CREATE TRIGGER ${name} ${when} ON "${table}" FOR EACH ROW EXECUTE FUNCTION ${name}()`);
}

/** Runs `body` with a bucket of a table that `prepare` has prepared. */
async function withTable(
  prepare: (table: string) => Promise<unknown>,
  body: (bucket: Bucket, table: string) => Promise<void>,
): Promise<void> {
  await using table = await temporaryTable(admin, columns);
  await prepare(table.name);
  await using store = postgresStore({ url, table: table.name });
  await body(await store.open("b"), table.name);
}

/** Returns the outcome and the code of each entry that was not applied. */
async function failuresOf(call: Promise<unknown>): Promise<string[]> {
  try {
    await call;
    return [];
  } catch (error) {
    assert.ok(BatchError.is(error), String(error));
    return [...error.failures()].map(({ index, outcome, code }) => `${index} ${outcome} ${code}`);
  }
}

function existing(bucket: Bucket, keys: readonly string[]): Promise<boolean[]> {
  return Promise.all(keys.map((key) => bucket.exists(key)));
}

test("a set whose entry a trigger skips rejects, and says which entry was not stored", async () => {
  const prepare = (table: string): Promise<void> =>
    addTrigger(table, "BEFORE INSERT", "IF octet_length(NEW.value) > 3 THEN RETURN NULL; END IF; RETURN NEW;");
  await withTable(prepare, async (bucket) => {
    const failed = await failuresOf(
      bucket.setMany([
        ["a", text("1")],
        ["long", text("12345")],
        ["c", text("2")],
      ]),
    );
    assert.deepEqual(failed, ["1 not-applied invalid-argument"]);
    assert.deepEqual(await existing(bucket, ["a", "long", "c"]), [true, false, true]);
    assert.deepEqual(await failuresOf(bucket.set("long", text("12345"))), ["0 not-applied invalid-argument"]);
    await bucket.set("short", text("1"));
  });
});

test("a set rejects if a trigger prevents the overwrite, and the old value stays", async () => {
  await withTable(
    async (table) => {
      await admin.query(`INSERT INTO "${table}" VALUES ('b:old', 'old'), ('b:same', 'new')`);
      await addTrigger(table, "BEFORE UPDATE", "RETURN NULL;");
    },
    async (bucket) => {
      const entries = ["new", "old", "same"].map((key): [string, Uint8Array] => [key, text("new")]);
      // The key `same` has the value that was set, so it is stored.
      assert.deepEqual(await failuresOf(bucket.setMany(entries)), ["1 not-applied invalid-argument"]);
      assert.deepEqual(await bucket.get("old"), text("old"));
    },
  );
});

test("a set on a table whose rule replaces it rejects, and nothing is stored", async () => {
  await withTable(
    (table) => admin.query(`CREATE RULE nothing AS ON INSERT TO "${table}" DO INSTEAD NOTHING`),
    async (bucket) => {
      assert.deepEqual(await failuresOf(bucket.set("a", text("1"))), ["0 not-applied invalid-argument"]);
    },
  );
});

test("a set whose entries a trigger stores elsewhere resolves if they can be read", async () => {
  await withTable(
    async (table) => {
      await admin.query(`CREATE TABLE "${table}_child" () INHERITS ("${table}")`);
      await addTrigger(table, "BEFORE INSERT", `INSERT INTO "${table}_child" VALUES (NEW.*); RETURN NULL;`);
    },
    async (bucket, table) => {
      await bucket.setMany([
        ["a", text("1")],
        ["b", text("2")],
      ]);
      assert.deepEqual(await bucket.get("b"), text("2"));
      await admin.query(`DROP TABLE "${table}_child"`);
    },
  );
});

test("a delete that a trigger prevents rejects, and says which key is left", async () => {
  await withTable(
    (table) => addTrigger(table, "BEFORE DELETE", "IF OLD.key = 'b:kept' THEN RETURN NULL; END IF; RETURN OLD;"),
    async (bucket) => {
      await bucket.setMany(["a", "kept", "c"].map((key) => [key, text("1")]));
      const failed = await failuresOf(bucket.deleteMany(["a", "missing", "kept", "c"]));
      assert.deepEqual(failed, ["2 not-applied invalid-argument"]);
      assert.deepEqual(await existing(bucket, ["a", "kept", "c"]), [false, true, false]);
      assert.deepEqual(await failuresOf(bucket.delete("kept")), ["0 not-applied invalid-argument"]);
      await bucket.delete("missing");
    },
  );
});

test("a delete that a policy prevents rejects", async () => {
  await using other = await temporaryTable(admin, columns);
  const role = await testRole(admin, url);
  await admin.query(`GRANT ALL ON "${other.name}" TO ${role.name}`);
  await admin.query(`ALTER TABLE "${other.name}" ENABLE ROW LEVEL SECURITY`);
  for (const command of ["SELECT", "INSERT", "UPDATE"]) {
    const check = command === "INSERT" ? "WITH CHECK (true)" : "USING (true)";
    await admin.query(`CREATE POLICY ${command}_all ON "${other.name}" FOR ${command} ${check}`);
  }
  const store = postgresStore({ url: role.url, table: other.name });
  const bucket = await store.open("b");
  await bucket.set("kept", text("1"));
  assert.deepEqual(await failuresOf(bucket.delete("kept")), ["0 not-applied invalid-argument"]);
  assert.deepEqual(await failuresOf(bucket.deleteMany(["missing", "kept"])), ["1 not-applied invalid-argument"]);
  await store.close();
  await admin.query(`REVOKE ALL ON "${other.name}" FROM ${role.name}`);
  await admin.query(`DROP ROLE ${role.name}`);
});

test("an entry that a constraint or a trigger refuses is reported once with its SQLSTATE, and is not repeated", async () => {
  for (const [prepare, reason] of [
    [(table: string) => admin.query(`ALTER TABLE "${table}" ADD CHECK (octet_length(value) < 4)`), "23514"],
    [(table: string) => addTrigger(table, "BEFORE INSERT", "RAISE EXCEPTION 'no';"), "P0001"],
    [(table: string) => addTrigger(table, "BEFORE INSERT", "RAISE EXCEPTION 'no' USING ERRCODE = 'SHOP1';"), "SHOP1"],
    [(table: string) => admin.query(`ALTER TABLE "${table}" ADD other int NOT NULL`), "23502"],
    [
      (table: string) =>
        admin.query(`ALTER TABLE "${table}" DROP value, ADD value bytea GENERATED ALWAYS AS (key) STORED NOT NULL`),
      "428C9",
    ],
    [
      (table: string) =>
        admin.query(`ALTER TABLE "${table}" DROP CONSTRAINT "${table}_pkey", ADD PRIMARY KEY (key) DEFERRABLE`),
      "55000",
    ],
  ] as const) {
    await withTable(prepare, async (bucket) => {
      const call = bucket.setMany([
        ["a", text("1")],
        ["b", text("12345")],
      ]);
      await assert.rejects(call, { code: "invalid-argument", reason, retryable: false });
      await assert.rejects(call, { counts: { applied: 0, "not-applied": 2, unknown: 0 } });
    });
  }
});

test.each([
  ["a missing table", "42P01", "INSERT INTO gone VALUES (1);"],
  ["a missing column of another table", "42703", "PERFORM gone FROM pg_class;"],
  ["an ambiguous column", "42702", "PERFORM oid FROM pg_class, pg_type;"],
  ["a number that is out of range", "22003", "PERFORM 40000::smallint;"],
  ["a division by zero", "22012", "PERFORM 1 / 0;"],
  ["a failed assertion", "P0004", "ASSERT false;"],
])("an error because of %s in a trigger is not taken for one of the store's table", async (_what, state, body) => {
  await using table = await temporaryTable(admin, `${columns}, expires_at timestamptz, sweep_at timestamptz`);
  await addTrigger(table.name, "BEFORE INSERT OR DELETE", `${body} RETURN coalesce(NEW, OLD);`);
  const driver = postgresDriver({ url, table: table.name });
  await admin.query(`ALTER TABLE "${table.name}" DISABLE TRIGGER USER`);
  await driver.set(setRequest([["expired", text("v")]]));
  await admin.query(`UPDATE "${table.name}" SET expires_at = '2000-01-01', sweep_at = '2000-01-01'`);
  await admin.query(`ALTER TABLE "${table.name}" ENABLE TRIGGER USER`);
  for (const request of [
    () => driver.set(setRequest([["a", text("v")]])),
    () => driver.set(createRequest({ bucket: "b", keys: ["a"], values: [text("v")], ttls: [60_000] })),
    async () => driver.increment?.(createRequest({ bucket: "b", keys: ["a"], delta: 1n })),
    () => driver.delete(keysRequest(["expired"])),
    async () => driver.sweep?.(keysRequest([])),
  ]) {
    const { code, effect, reason } = await faultOf(driver, request());
    assert.deepEqual([code, effect, reason?.slice(0, 6)], ["invalid-argument", "none", `${state} `]);
  }
  await driver.close();
});

test("a view can be read, but not written, because it may hide what was written", async () => {
  await withTable(
    async (table) => {
      await admin.query(`ALTER TABLE "${table}" RENAME TO "${table}_all"`);
      await admin.query(`INSERT INTO "${table}_all" VALUES ('b:a', '1')`);
      await admin.query(`CREATE VIEW "${table}" AS SELECT * FROM "${table}_all" WHERE octet_length(value) < 3`);
    },
    async (bucket, table) => {
      assert.deepEqual(await bucket.get("a"), text("1"));
      const expected = {
        code: "invalid-argument",
        reason: /a view/,
        counts: { applied: 0, "not-applied": 1, unknown: 0 },
      };
      await assert.rejects(bucket.set("a", text("long")), expected);
      await assert.rejects(bucket.increment("n"), expected);
      await assert.rejects(bucket.delete("a"), expected);
      assert.deepEqual(await bucket.get("a"), text("1"));
      await admin.query(`DROP VIEW "${table}"; ALTER TABLE "${table}_all" RENAME TO "${table}"`);
    },
  );
});

test("concurrent deletes of the same key all resolve", async () => {
  await withTable(
    async () => {},
    async (bucket) => {
      for (let round = 0; round < 30; round++) {
        await bucket.set("shared", text("1"));
        await Promise.all(Array.from({ length: 6 }, () => bucket.delete("shared")));
      }
    },
  );
});

test("no request touches a table whose column `value` has another type", async () => {
  await using other = await temporaryTable(admin, "key bytea PRIMARY KEY, value text");
  await admin.query(`INSERT INTO "${other.name}" VALUES ('b:a', 'theirs'), ('b:c', 'theirs')`);
  const driver = postgresDriver({ url, table: other.name });
  for (const request of [
    () => driver.get(keysRequest(["a"])),
    () => driver.get(keysRequest(["a", "c"])),
    async () => driver.exists?.(keysRequest(["a"])),
    async () => driver.exists?.(keysRequest(["a", "c"])),
    () => driver.list(listRequest("b")),
    () => driver.delete(keysRequest(["a"])),
    () => driver.delete(keysRequest(["a", "c"])),
    () => driver.set(setRequest([["a", text("v")]])),
  ]) {
    const { code, effect, retryable } = await faultOf(driver, request());
    assert.deepEqual({ code, effect, retryable }, { code: "invalid-argument", effect: "none", retryable: false });
  }
  assert.equal((await admin.query(`SELECT FROM "${other.name}"`)).rowCount, 2);
  await driver.close();
});

test("a listing skips rows whose keys are not valid in manykv", async () => {
  await withTable(
    (table) =>
      admin.query(`INSERT INTO "${table}" SELECT 'b:'::bytea || '\\xff'::bytea || i::text::bytea, ''::bytea FROM generate_series(1, 2500) i
        UNION ALL SELECT 'b:long'::bytea || convert_to(repeat('x', 100000), 'UTF8'), ''::bytea`),
    async (bucket) => {
      await bucket.setMany(["a", "m", "\u{10ffff}"].map((key) => [key, text("1")]));
      const keys: string[] = [];
      for await (const key of bucket.keys()) keys.push(key);
      assert.deepEqual(keys, ["a", "m", "\u{10ffff}"]);
    },
  );
});

test("a read rejects if the table has several rows for one key", async () => {
  await withTable(
    async (table) => {
      await admin.query(`CREATE TABLE "${table}_child" () INHERITS ("${table}")`);
      await admin.query(`INSERT INTO "${table}" VALUES ('b:a', 'one'), ('b:b', 'one')`);
      await admin.query(`INSERT INTO "${table}_child" VALUES ('b:a', 'two')`);
    },
    async (bucket, table) => {
      const expected = { code: "invalid-argument", message: /several rows for one key/, retryable: false };
      await assert.rejects(bucket.get("a"), expected);
      await assert.rejects(bucket.getMany(["a", "b"]), expected);
      assert.deepEqual(await bucket.get("b"), text("one"));
      await admin.query(`DROP TABLE "${table}_child"`);
    },
  );
});
