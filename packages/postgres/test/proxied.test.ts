import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Intercept, ProxiedConnection } from "@manykv/conformance/faults";
import { FaultError } from "@manykv/core/driver";
import { startDedicatedPostgres } from "@manykv/test-services";
import pg from "pg";
import { test } from "vitest";
import { postgresDriver, postgresStore } from "../src/index.js";
import { MessageReader, messageHeader } from "../src/protocol/message-reader.js";
import { faultOf } from "./support/fault-of.js";
import { keysRequest, listRequest, setRequest, text } from "./support/requests.js";
import { startProxy } from "./support/start-proxy.js";
import { testTable } from "./support/test-table.js";
import { until } from "./support/until.js";

const table = testTable();
const isWrite = (chunk: Buffer): boolean => chunk.includes("zombie");

/** Returns an intercept that holds a connection's requests back, starting with the first chunk that matches. */
function holdRequests(matches: (chunk: Buffer) => boolean): Intercept {
  return (chunk, direction, connection) => {
    if (direction === "request" && matches(chunk)) connection.hold("request");
    return chunk;
  };
}

test("each request takes one round trip", async () => {
  await using proxy = await startProxy(table.url);
  const driver = postgresDriver({ url: proxy.url(table.url), table: table.name });
  const keys = Array.from({ length: 1_000 }, (_, index) => `trip${index}`);
  const entries = keys.map((key) => [key, text(key)] as const);
  // The first write on a connection sends an extra query, which identifies the server process.
  await driver.set(setRequest(entries.slice(0, 1)));
  let ready = 0;
  let sent = 0;
  const messages = new MessageReader(
    (bytes, start) => {
      if (bytes[start] === "Z".charCodeAt(0)) ready++;
      return true;
    },
    () => {},
  );
  proxy.intercept = (chunk, direction) => {
    if (direction === "answer") messages.read(chunk);
    // Every request ends with Sync, so count the chunks that end with Sync.
    else if (chunk.subarray(-messageHeader).equals(Buffer.from([0x53, 0, 0, 0, 4]))) sent++;
    return chunk;
  };
  for (const request of [
    () => driver.set(setRequest(entries)),
    () => driver.get(keysRequest(keys)),
    async () => driver.exists?.(keysRequest(keys)),
    () => driver.list(listRequest("b")),
    () => driver.delete(keysRequest(keys)),
  ]) {
    [ready, sent] = [0, 0];
    await request();
    assert.deepEqual({ ready, sent }, { ready: 1, sent: 1 });
  }
  assert.equal(proxy.counts.connections, 1);
  await driver.close();
});

test("after a lost reply, the write is repeated and acknowledged, and the old session ends", async () => {
  for (const how of ["cut", "silence"] as const) {
    await using proxy = await startProxy(table.url);
    await using store = postgresStore({ url: proxy.url(table.url), table: table.name });
    const bucket = await store.open("b");
    await bucket.set("warm", text("w"));
    let lost: ProxiedConnection | undefined;
    proxy.intercept = (chunk, direction, connection) => {
      if (lost === undefined && direction === "request" && isWrite(chunk)) lost = connection;
      if (connection !== lost || direction === "request") return chunk;
      // The server must not notice that the client is gone: only a fence ends its session.
      connection.hold("request");
      connection.drop("answer");
      if (how === "cut") connection.client.destroy();
      return undefined;
    };
    await bucket.setMany([[`zombie-${how}`, text("new")]], { timeout: 3_000 });
    assert.deepEqual(await bucket.get(`zombie-${how}`), text("new"));
    await until(() => lost?.server.closed === true);
  }
});

test("a lost request has an unknown effect, and its fence ends the session", async () => {
  await using proxy = await startProxy(table.url);
  const driver = postgresDriver({ url: proxy.url(table.url), table: table.name });
  await driver.set(setRequest([["warm", text("w")]]));
  let lost: ProxiedConnection | undefined;
  proxy.intercept = (chunk, direction, connection) => {
    if (lost !== undefined || direction === "answer" || !isWrite(chunk)) return chunk;
    lost = connection;
    // The server must not notice that the client is gone: only a fence ends its session.
    connection.hold("request");
    connection.client.destroy();
    return undefined;
  };
  const fault = await faultOf(driver, driver.set(setRequest([["zombie-drop", text("v")]])));
  assert.deepEqual([fault.code, fault.effect, fault.retryable], ["connection-lost", "unknown", true]);
  await fault.fence?.(keysRequest([]));
  await until(() => lost?.server.closed === true);
  assert.equal((await driver.get(keysRequest(["zombie-drop"]))).values[0], undefined);
  await driver.close();
});

test("a delayed write does not overwrite a newer one", async () => {
  await using proxy = await startProxy(table.url);
  await using slow = postgresStore({ url: proxy.url(table.url), table: table.name });
  await using direct = postgresStore({ url: table.url, table: table.name });
  const slowBucket = await slow.open("b");
  const directBucket = await direct.open("b");
  await slowBucket.set("warm", text("w"));
  let held: ProxiedConnection | undefined;
  proxy.intercept = (chunk, direction, connection) => {
    if (held !== undefined || direction === "answer" || !isWrite(chunk)) return chunk;
    held = connection;
    held.hold("request");
    return chunk;
  };
  await slowBucket.set("zombie", text("old"), { timeout: 6_000 });
  await directBucket.set("zombie", text("newer"));
  held?.release("request");
  await delay(300);
  assert.deepEqual(await directBucket.get("zombie"), text("newer"));
});

test("a lost write that could not be settled in time is settled before the store's next write", async () => {
  await using proxy = await startProxy(table.url);
  await using store = postgresStore({ url: proxy.url(table.url), table: table.name });
  const bucket = await store.open("b");
  await bucket.set("warm", text("w"));
  proxy.intercept = holdRequests(() => true);
  await assert.rejects(bucket.set("zombie-later", text("old"), { timeout: 400 }), {
    code: "timeout",
    counts: { applied: 0, "not-applied": 0, unknown: 1 },
  });
  const held = [...proxy.connections];
  proxy.intercept = (chunk) => chunk;
  await bucket.set("zombie-later", text("newer"));
  for (const connection of held) connection.release("request");
  await delay(300);
  assert.deepEqual(await bucket.get("zombie-later"), text("newer"));
});

test("a cancelled write is settled before the store's next write", async () => {
  await using proxy = await startProxy(table.url);
  await using store = postgresStore({ url: proxy.url(table.url), table: table.name });
  const bucket = await store.open("b");
  await bucket.set("warm", text("w"));
  proxy.intercept = holdRequests(isWrite);
  const controller = new AbortController();
  const cancelled = bucket.set("zombie-cancelled", text("old"), { signal: controller.signal });
  setTimeout(() => controller.abort(), 100);
  await assert.rejects(cancelled, { code: "aborted", counts: { applied: 0, "not-applied": 0, unknown: 1 } });
  proxy.intercept = (chunk) => chunk;
  await bucket.set("zombie-cancelled", text("newer"));
  for (const connection of proxy.connections) connection.release("request");
  await delay(300);
  assert.deepEqual(await bucket.get("zombie-cancelled"), text("newer"));
});

test("while a lost write cannot be settled, only writes of the same keys wait, and their errors say why", async () => {
  await using proxy = await startProxy(table.url);
  await using store = postgresStore({ url: proxy.url(table.url), table: table.name });
  const bucket = await store.open("b");
  await bucket.set("warm", text("w"));
  proxy.intercept = holdRequests(isWrite);
  const controller = new AbortController();
  const cancelled = bucket.setMany(
    [
      ["zombie 1", text("old")],
      ["zombie 2", text("old")],
    ],
    { signal: controller.signal },
  );
  setTimeout(() => controller.abort(), 100);
  await assert.rejects(cancelled, { code: "aborted" });
  proxy.intercept = holdRequests((chunk) => chunk.includes("pg_terminate_backend(pid)"));
  await Promise.all(Array.from({ length: 50 }, (_, index) => bucket.set(`other ${index}`, text("v"))));
  await (await store.open("other")).set("zombie 1", text("v"));
  for (const write of [
    () => bucket.set("zombie 2", text("new"), { timeout: 500 }),
    () => bucket.delete("zombie 1", { timeout: 500 }),
  ]) {
    await assert.rejects(write(), {
      code: "timeout",
      message: /an earlier write of the same key is not settled, because the server does not respond: /,
      counts: { applied: 0, "not-applied": 1, unknown: 0 },
    });
  }
  proxy.intercept = (chunk) => chunk;
  await bucket.set("zombie 2", text("new"));
  for (const connection of proxy.connections) connection.release("request");
  await delay(300);
  assert.deepEqual(await bucket.get("zombie 2"), text("new"));
});

test("a fence on a standby rejects, because a standby does not know the processes of the primary", async () => {
  await using proxy = await startProxy(table.url);
  const pool = new pg.Pool({ connectionString: proxy.url(table.url), max: 2 });
  const driver = postgresDriver({ pool, table: table.name });
  await driver.set(setRequest([["warm", text("w")]]));
  await using standby = await startDedicatedPostgres({ source: "process", standby: true });
  pool.options.connectionString = standby.url;
  proxy.intercept = holdRequests(isWrite);
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 100);
  const fault = await faultOf(driver, driver.set(setRequest([["zombie", text("v")]], "b", controller.signal)));
  await assert.rejects(
    async () => fault.fence?.(keysRequest([])),
    (error) => {
      return FaultError.is(error) && /standby/.test(error.fault.reason ?? "");
    },
  );
  await driver.close();
  await pool.end();
});

test("behind a pooler, the driver terminates no other session", async () => {
  await using proxy = await startProxy(table.url);
  const victim = new pg.Client({ connectionString: table.url });
  await victim.connect();
  const pool = new pg.Pool({ connectionString: proxy.url(table.url), max: 2 });
  // Like a pooler, report the process ID of another session.
  pool.on("connect", (client) => Object.assign(client, { processID: Reflect.get(victim, "processID") }));
  const driver = postgresDriver({ pool, table: table.name });
  await driver.set(setRequest([["warm", text("w")]]));
  proxy.intercept = holdRequests(isWrite);
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 100);
  const fault = await faultOf(driver, driver.set(setRequest([["zombie", text("v")]], "b", controller.signal)));
  assert.equal(fault.effect, "unknown");
  assert.equal(fault.fence, undefined);
  await driver.set(setRequest([["other", text("v")]]));
  assert.equal((await victim.query("SELECT 1 AS one")).rowCount, 1);
  await victim.end();
  await pool.end();
});

/** Starts a server that accepts connections and never responds. `sockets` contains the open connections. */
async function startSilentServer(): Promise<{ url: string; sockets: Set<Socket>; close: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket
      .resume()
      .on("error", () => {})
      .on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `postgres://user@127.0.0.1:${port}/db`, sockets, close: () => server.close() };
}

test("if the server never responds, a call fails within its deadline and leaks no connection", async () => {
  const silent = await startSilentServer();
  const store = postgresStore({ url: `${silent.url}?connect_timeout=1` });
  const bucket = await store.open("b");
  await assert.rejects(bucket.set("a", text("v"), { timeout: 500 }), {
    counts: { applied: 0, "not-applied": 1, unknown: 0 },
  });
  await until(() => silent.sockets.size === 0);
  await store.close();
  silent.close();
});

test("if the server does not respond while connecting, the error says so", async () => {
  const silent = await startSilentServer();
  await using store = postgresStore({ url: `${silent.url}?connect_timeout=1`, retry: { attempts: 1 } });
  await assert.rejects((await store.open("b")).get("a"), {
    code: "unavailable",
    retryable: true,
    message: /does not respond/,
  });
  silent.close();
});

test("closing a store does not wait for a server that never responds", async () => {
  const silent = await startSilentServer();
  const store = postgresStore({ url: `${silent.url}?connect_timeout=3600` });
  const bucket = await store.open("b");
  await assert.rejects(bucket.get("a", { timeout: 100 }), { code: "timeout" });
  await until(() => silent.sockets.size > 0);
  await store.close();
  await until(() => silent.sockets.size === 0);
  silent.close();
});
