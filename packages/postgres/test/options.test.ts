import assert from "node:assert/strict";
import { inspect } from "node:util";
import { StoreError } from "@manykv/core";
import pg from "pg";
import { test } from "vitest";
import { type PostgresStoreOptions, postgresDriver, postgresStore } from "../src/index.js";

const url = "postgres://user:canary@localhost/db";

function refused(options: unknown, message: RegExp): void {
  assert.throws(
    () => postgresStore(options as PostgresStoreOptions),
    (error) => {
      assert.ok(StoreError.is(error));
      assert.equal(error.code, "invalid-argument");
      assert.match(error.message, message);
      assert.doesNotMatch(inspect(error, { showHidden: true, depth: 20 }), /canary/);
      return true;
    },
  );
}

test("the error for an invalid option names the option and contains no secret", () => {
  refused(undefined, /options/);
  refused({}, /`url` or `pool`/);
  refused({ url, pool: new pg.Pool() }, /`url` or `pool`/);
  refused({ url, tabel: "x" }, /`tabel`/);
  refused({ pool: {} }, /`pool`/);
  refused({ pool: new pg.Pool({ pipeline: true }) }, /`pipeline`/);
  refused({ url: 1 }, /`url`/);
  refused({ url: "canary" }, /`url`/);
  refused({ url: "mysql://user:canary@localhost/db" }, /`url`/);
  refused({ url, timeout: -1 }, /timeout/);
});

test("the error for an invalid URL names the parameter and does not contain its value", () => {
  refused({ url: `${url}?password=canary` }, /`password`/);
  refused({ url: `${url}?sslmode=disable&poolsize=canary` }, /`poolsize`/);
  refused({ url: `${url}?table=a&table=b` }, /repeats the parameter `table`/);
  refused({ url: `${url}?connect_timeout=canary` }, /`connect_timeout`/);
  refused({ url: `${url}?connect_timeout=0` }, /`connect_timeout`/);
  refused({ url: "postgres://host:5432?canary@localhost/db" }, /%40/);
  refused({ url: "postgres://host:5432#canary@localhost/db" }, /%40/);
  refused({ url: `${url}?sslrootcert=/canary/is/not/here` }, /`sslrootcert`.* file/);
  refused({ url: `${url}?sslnegotiation=canary` }, /`sslnegotiation`/);
  refused({ url: "postgres://user:%E0%A4@localhost/canary" }, /percent-encoding/);
});

test("invalid table names are rejected in the option and in the URL", () => {
  for (const table of ["", "a.b.c", 'x"; DROP TABLE y; --', "a b", "1a", "x".repeat(64), "é", "a$b$", 1, null]) {
    refused({ url, table }, /`table`/);
  }
  refused({ url: `${url}?table=a%22b` }, /`table`/);
});

test("the URL may contain `table` and parameters of libpq", async () => {
  const parameters = "table=t&application_name=me&sslmode=disable&options=-c%20geqo%3Doff&connect_timeout=2";
  await postgresDriver({ url: `${url}?${parameters}` }).close();
  await postgresDriver({ url: url.replace("postgres:", "postgresql:"), table: "app.kv" }).close();
});
