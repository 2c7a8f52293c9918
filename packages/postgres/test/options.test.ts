import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { inspect } from "node:util";
import { StoreError } from "@manykv/core";
import pg from "pg";
import { test } from "vitest";
import { type PostgresStoreOptions, postgresDriver, postgresStore } from "../src/index.js";
import { nativePool } from "./support/native-pool.js";

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
  refused(undefined, /options must contain `url`, `pool` or `pglite`/);
  refused({}, /options must contain `url`, `pool` or `pglite`/);
  refused({ url, pool: new pg.Pool() }, /only one of `url`, `pool` and `pglite`/);
  refused({ pglite: {} }, /`pglite` must be a PGlite/);
  refused({ pglite: null }, /`pglite` must be a PGlite/);
  refused({ url, tabel: "x" }, /`tabel`/);
  refused({ pool: {} }, /`pool` must be a Pool of pg/);
  refused({ pool: null }, /`pool` must be a Pool of pg/);
  refused({ pool: new pg.Client() }, /not a Client/);
  refused({ pool: nativePool() }, /pg-native/);
  // Like the pool of pg-mem, which has the methods of a pool but none of its properties.
  refused({ pool: Object.assign(new EventEmitter(), { connect() {}, query() {}, end() {} }) }, /pg-mem/);
  refused({ pool: new pg.Pool({ pipeline: true }) }, /`pipeline`/);
  refused({ url: 1 }, /`url`/);
  refused({ url: "canary" }, /`url`/);
  refused({ url: "mysql://user:canary@localhost/db" }, /`url`/);
  refused({ url, timeout: -1 }, /timeout/);
  refused({ url, prepare: "false" }, /`prepare`/);
  refused({ url: "postgres://user@localhost/db", password: "canary" }, /`password` must be a function/);
  refused({ url, password: async () => "canary" }, /`url` must have no password/);
  refused({ pool: new pg.Pool(), password: async () => "canary" }, /`password` requires `url`/);
});

test("an option that changes when it is read again is read once", async () => {
  const values = [url, "canary"];
  const driver = postgresDriver({
    get url() {
      return values.shift();
    },
  });
  assert.deepEqual(values, ["canary"]);
  await driver.close();
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

test("parameters of other clients are refused with what to do instead", () => {
  const cases: [parameters: string, message: RegExp][] = [
    ["connection_limit=canary", /`connection_limit`: use `max`/],
    ["schema=canary", /`schema`: use `table=schema.name`/],
    ["hostaddr=canary", /`hostaddr`: use `host`/],
    ["keepalives_interval=5", /`keepalives_interval`: Node.js cannot set it/],
    ["user=canary", /`user`: write it before/],
    ["dbname=canary", /`dbname`: write it before/],
    ["supa=canary", /unknown parameter `supa`/],
    ["max=0", /`max` in `url` must be a whole number from 1/],
    ["max=canary", /`max`/],
    ["prepare=canary", /`prepare` in `url` must be true or false/],
    ["pgbouncer=canary", /`pgbouncer`/],
    ["keepalives=canary", /`keepalives`/],
    ["keepalives_idle=canary", /`keepalives_idle`/],
    ["channel_binding=canary", /`channel_binding` in `url` must be disable or prefer or require/],
    ["sslmode=allow", /`sslmode`/],
    ["sslmode=canary", /`sslmode` in `url` must be disable or/],
    ["ssl=canary", /`ssl`/],
    ["sslrootcert=system&sslmode=require", /`sslmode=verify-full`/],
    ["target_session_attrs=standby", /`target_session_attrs` in `url` must be any or read-write or primary/],
    ["load_balance_hosts=random", /`load_balance_hosts`/],
    ["gssencmode=require", /`gssencmode`/],
    ["client_encoding=latin1", /`client_encoding`/],
    ["host=a,b,c&port=1,2", /one port for all hosts/],
    ["port=canary", /port/],
  ];
  for (const [parameters, message] of cases) refused({ url: `${url}?${parameters}` }, message);
  refused({ url: "postgres://user:canary@localhost:canary/db" }, /port.*%2F/);
  refused({ url: "postgres://user:canary@localhost:0/db" }, /port/);
  refused({ url: "postgres://user:1/canary@localhost/db" }, /%2F/);
});

test("the URL may contain the parameters that services put into it", async () => {
  const cases = [
    "sslmode=require&channel_binding=require", // Neon
    "sslmode=verify-full&options=--cluster%3Dname-123", // CockroachDB
    "options=endpoint%3Dep-cool-name-123", // Neon, for clients that do not send the server name
    "pgbouncer=true", // Supabase
    "sslmode=verify-full&sslrootcert=system",
    "sslmode=no-verify", // Heroku
    "ssl=false",
    "keepalives=1&keepalives_idle=30",
    "client_encoding=utf8&gssencmode=disable&load_balance_hosts=disable&sslsni=1&target_session_attrs=primary",
  ];
  for (const parameters of cases) await postgresDriver({ url: `${url}?${parameters}` }).close();
  const several = postgresDriver({ url: "postgres://user:canary@one:1,[::1]:2,/db" });
  assert.deepEqual(several.server, { address: "one", port: 1 });
  await several.close();
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
