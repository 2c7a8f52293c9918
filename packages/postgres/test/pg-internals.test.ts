import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import pg from "pg";
import { afterEach, test, vi } from "vitest";
import { postgresDriver, postgresStore } from "../src/index.js";
import { faultOf } from "./support/fault-of.js";
import { keysRequest } from "./support/requests.js";
import { testTable } from "./support/test-table.js";

const table = testTable();

afterEach(() => vi.restoreAllMocks());

/** Asserts that a driver with its own pool rejects a request with this reason and names the supported pg versions. */
async function assertRefused(reason: RegExp): Promise<void> {
  const driver = postgresDriver({ url: table.url, table: table.name });
  const fault = await faultOf(driver, driver.get(keysRequest(["a"])));
  await driver.close();
  assert.deepEqual([fault.code, fault.effect, fault.retryable], ["invalid-argument", "none", false]);
  assert.match(fault.reason ?? "", reason);
  assert.match(fault.reason ?? "", /use pg 8\.\d+ to 8\.\d+/);
}

test("without Connection.attachListeners, requests reject and the error names the member", async () => {
  const { prototype } = pg.Connection as unknown as { prototype: { attachListeners?: unknown } };
  const { attachListeners } = prototype;
  delete prototype.attachListeners;
  try {
    await assertRefused(/Connection\.prototype\.attachListeners/);
  } finally {
    prototype.attachListeners = attachListeners;
  }
});

test("if pg attaches its reader without attachListeners, requests reject", async () => {
  const { prototype } = pg.Connection as unknown as {
    prototype: { connect: (...rest: unknown[]) => void; attachListeners: (stream: unknown) => void };
  };
  const { attachListeners, connect } = prototype;
  // Call pg's original method instead of manykv's override, as if pg had renamed the method.
  vi.spyOn(prototype, "connect").mockImplementation(function (this: object, ...rest) {
    Object.assign(this, { attachListeners });
    connect.apply(this, rest);
  });
  await assertRefused(/attachListeners/);
});

test("if Client ignores its option `connection`, the error names the option", async () => {
  const { prototype } = pg.Client as unknown as { prototype: object };
  Object.defineProperty(prototype, "connection", { configurable: true, get: () => new pg.Connection(), set: () => {} });
  try {
    await assertRefused(/option `connection` of Client/);
  } finally {
    delete (prototype as { connection?: unknown }).connection;
  }
});

test("a caller's client that lacks a member is rejected, and the error names the member", async () => {
  for (const [member, reason] of [
    ["connection", /Client\.connection/],
    ["processID", /Client\.processID/],
  ] as const) {
    const pool = new pg.Pool({ connectionString: table.url, max: 1 });
    pool.on("acquire", (client) => {
      const own = client as unknown as Record<string, unknown>;
      const value = own[member];
      delete own[member];
      pool.once("release", () => Object.assign(own, { [member]: value }));
    });
    const driver = postgresDriver({ pool, table: table.name });
    const fault = await faultOf(driver, driver.get(keysRequest(["a"])));
    assert.deepEqual([fault.code, fault.effect], ["invalid-argument", "none"]);
    assert.match(fault.reason ?? "", reason);
  }
});

test("no module loads pg before a store connects", () => {
  const folder = new URL("../src/", import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  for (const file of files) {
    const imports = readFileSync(new URL(file, folder), "utf8").matchAll(/^import (?!type).*from "pg"/gm);
    assert.deepEqual([...imports], [], file);
  }
});

test("a store that never connected can be closed", async () => {
  await postgresStore({ url: table.url }).close();
});

test("the driver reports the server's address", async () => {
  const url = new URL(table.url);
  const expected = { address: url.hostname, port: Number(url.port) };
  const pools = [
    new pg.Pool({ connectionString: table.url }),
    new pg.Pool({ host: url.hostname, port: Number(url.port) }),
  ];
  for (const options of [{ url: table.url }, ...pools.map((pool) => ({ pool }))]) {
    const driver = postgresDriver(options);
    assert.deepEqual(driver.server, expected);
    await driver.close();
  }
  await Promise.all(pools.map((pool) => pool.end()));
  assert.deepEqual(postgresDriver({ url: "postgres://u@db.example/x" }).server, { address: "db.example", port: 5432 });
});
