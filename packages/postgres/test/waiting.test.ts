import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { randomName } from "@manykv/test-services";
import pg from "pg";
import { test } from "vitest";
import { postgresStore } from "../src/index.js";
import { text } from "./support/requests.js";
import { startProxy } from "./support/start-proxy.js";
import { testTable } from "./support/test-table.js";
import { until } from "./support/until.js";

const table = testTable();
const calls = 10_000;

for (const kind of ["the store's own pool", "the caller's pool"] as const) {
  for (const how of ["time out", "are cancelled"] as const) {
    test(`${calls} calls that ${how} while the server stands still settle, and ${kind} serves again`, async () => {
      await using proxy = await startProxy(table.url);
      const url = proxy.url(table.url);
      const pool = new pg.Pool({ connectionString: url, max: 10 });
      pool.on("error", () => {});
      const store = postgresStore({ ...(kind === "the caller's pool" ? { pool } : { url }), table: table.name });
      const bucket = await store.open("b");
      await bucket.set("before", text("v"));
      proxy.intercept = (chunk, _direction, connection) => {
        connection.hold("request");
        connection.hold("answer");
        return chunk;
      };
      const controller = new AbortController();
      const options = how === "time out" ? { timeout: 500 } : { signal: controller.signal, timeout: Infinity };
      const results = Array.from({ length: calls }, (_, index) =>
        bucket.set(`given up ${index}`, text("v"), options).then(
          () => "applied",
          (error) => error.code,
        ),
      );
      if (how === "are cancelled") {
        await until(() => proxy.counts.connections > 1);
        controller.abort();
      }
      const codes = new Set(await Promise.all(results));
      // `unavailable`: the connections timed out first.
      const expected = how === "time out" ? ["timeout", "unavailable"] : ["aborted"];
      for (const code of codes) assert.ok(expected.includes(code), code);
      // pg still waits for at most one connection per connection of the pool.
      assert.ok(pool.waitingCount <= 10, `${pool.waitingCount} requests wait in the pool`);
      proxy.intercept = (chunk) => chunk;
      for (const connection of proxy.connections) {
        connection.release("request");
        connection.release("answer");
      }
      await bucket.set("after", text("v"));
      assert.deepEqual(await bucket.get("after"), text("v"));
      await store.close();
      await pool.end();
    });
  }
}

test("other users of the pool get connections while calls of the store wait", async () => {
  const pool = new pg.Pool({ connectionString: table.url, max: 1 });
  await using store = postgresStore({ pool, table: table.name });
  const bucket = await store.open("b");
  const holder = await pool.connect();
  const reads = Array.from({ length: 100 }, (_, index) => bucket.get(`waiting ${index}`));
  await delay(50);
  assert.equal(pool.waitingCount, 1);
  let served = 0;
  for (const read of reads) void read.then(() => served++);
  const theirs = pool.query("SELECT 1").then(() => served);
  holder.release();
  assert.ok((await theirs) < 10, "the caller's query must not wait for all calls of the store");
  await Promise.all(reads);
  await pool.end();
});

test("the error of a call that gets no connection in time says what to do", async () => {
  const pool = new pg.Pool({ connectionString: table.url, max: 1 });
  await using store = postgresStore({ pool, table: table.name });
  const holder = await pool.connect();
  await assert.rejects((await store.open("b")).get("waiting", { timeout: 300 }), {
    code: "timeout",
    message: /no free connection: .*raise `max` of the pool\)$/,
  });
  holder.release();
  await pool.end();
});

test("a refused connection fails all calls that wait, without a connection for each", async () => {
  await using proxy = await startProxy(table.url);
  const url = new URL(proxy.url(table.url));
  url.pathname = randomName();
  await using store = postgresStore({ url: url.href, table: table.name });
  const bucket = await store.open("b");
  const reads = Array.from({ length: 1_000 }, (_, index) => bucket.get(`refused ${index}`));
  for (const read of await Promise.allSettled(reads)) {
    assert.equal(read.status === "rejected" && read.reason.code, "no-such-store");
  }
  assert.ok(proxy.counts.connections <= 20, `${proxy.counts.connections} connections for one refusal`);
});

test("a call does not wait for connections that an earlier call gave up", async () => {
  await using proxy = await startProxy(table.url);
  await using store = postgresStore({ url: `${proxy.url(table.url)}?connect_timeout=3600`, table: table.name });
  const bucket = await store.open("b");
  proxy.intercept = () => undefined;
  await assert.rejects(bucket.get("stuck", { timeout: 300 }), { code: "timeout" });
  proxy.intercept = (chunk) => chunk;
  assert.equal(await bucket.get("served"), undefined);
});

test("calls that wait longer than `connect_timeout` fail with `unavailable`", async () => {
  await using proxy = await startProxy(table.url);
  proxy.intercept = () => undefined;
  const url = new URL(proxy.url(table.url));
  url.searchParams.set("connect_timeout", "1");
  await using store = postgresStore({ url: url.href, table: table.name, retry: { attempts: 1 } });
  const bucket = await store.open("b");
  const reads = Array.from({ length: 100 }, (_, index) => bucket.get(`late ${index}`, { timeout: 60_000 }));
  for (const read of await Promise.allSettled(reads)) {
    assert.equal(read.status === "rejected" && read.reason.code, "unavailable");
  }
  assert.ok(proxy.counts.connections <= 20, `${proxy.counts.connections} connections for one time limit`);
});

test("calls on an ended pool reject with `closed`, also if they waited for a connection", async () => {
  const pool = new pg.Pool({ connectionString: table.url, max: 1 });
  await using store = postgresStore({ pool, table: table.name });
  const bucket = await store.open("b");
  const holder = await pool.connect();
  const waiting = bucket.get("waiting", { timeout: 300 });
  const ended = pool.end();
  await assert.rejects(waiting, { message: /the caller ended the `pool`/ });
  await assert.rejects(bucket.get("later"), { code: "closed", message: /the caller ended the `pool`.*open/ });
  holder.release();
  await ended;
});
