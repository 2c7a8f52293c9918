import assert from "node:assert/strict";
import { randomName, startRelay, startUnixRelay } from "@manykv/test-services";
import { test } from "vitest";
import { postgresDriver, postgresStore } from "../src/index.js";
import { addressOf } from "./support/address-of.js";
import { text } from "./support/requests.js";
import { testTable } from "./support/test-table.js";

const table = testTable();
const { username, password, pathname } = new URL(table.url);
const login = `${username}:${password}@`;

/** Writes and reads through a store at the URL. Returns the address that the driver reports for tracing. */
async function use(url: string): Promise<unknown> {
  await using store = postgresStore({ url, table: table.name });
  const bucket = await store.open("b");
  const key = randomName();
  await bucket.set(key, text("v"));
  assert.deepEqual(await bucket.get(key), text("v"));
  return postgresDriver({ url }).server;
}

test("a URL can name the folder of a Unix socket, as a host or as the parameter `host`", async () => {
  await using relay = await startUnixRelay(addressOf(table.url), ".s.PGSQL.6543");
  const { folder } = relay;
  const encoded = encodeURIComponent(folder);
  const server = { address: folder, port: 6543 };
  assert.deepEqual(await use(`postgres://${login}${encoded}:6543${pathname}`), server);
  assert.deepEqual(await use(`postgres://${login}${pathname}?host=${folder}&port=6543`), server);
  // As in libpq, the parameter replaces the host of the address, but not its port.
  assert.deepEqual(await use(`postgres://${login}elsewhere:6543${pathname}?host=${encoded}`), server);
  assert.ok(relay.accepted >= 3);
});

test("a URL can name an IPv6 address and a percent-encoded host", async () => {
  await using six = await startRelay(addressOf(table.url), { host: "::1" });
  assert.deepEqual(await use(`postgres://${login}[::1]:${six.port}${pathname}`), { address: "::1", port: six.port });
  assert.deepEqual(await use(`postgres://${login}${pathname}?host=::1&port=${six.port}`), {
    address: "::1",
    port: six.port,
  });
  await using four = await startRelay(addressOf(table.url), { host: "127.0.0.1" });
  const encoded = `postgres://${login}127%2E0.0.1:${four.port}${pathname}`;
  assert.deepEqual(await use(encoded), { address: "127.0.0.1", port: four.port });
});

test("user, password and database may contain percent-encoded characters", async () => {
  const name = `a?b/${randomName()} #@:%`;
  const secret = "p/ä?#@:% &+=";
  await table.admin.query(`CREATE ROLE "${name}" LOGIN PASSWORD '${secret}'`);
  await table.admin.query(`GRANT ALL ON "${table.name}" TO "${name}"`);
  const { host } = new URL(table.url);
  const [user, encoded] = [name, secret].map(encodeURIComponent);
  await use(`postgres://${user}:${encoded}@${host}${pathname}`);
  await table.admin.query(`DROP OWNED BY "${name}"`);
  await table.admin.query(`DROP ROLE "${name}"`);
});
