import assert from "node:assert/strict";
import { test } from "vitest";
import { postgresDriver } from "../src/index.js";
import { accepted, message, startFakeServer } from "./support/fake-server.js";
import { faultOf } from "./support/fault-of.js";
import { keysRequest, setRequest, text } from "./support/requests.js";

const errorResponse = (state: string, said: string): Buffer => message("E", `SFATAL\0VFATAL\0C${state}\0M${said}\0\0`);

/** What servers and poolers say instead of accepting a login, and the code that manykv reports. */
const refusals: readonly (readonly [from: string, state: string, said: string, code: string])[] = [
  ["PgBouncer", "08P01", "password authentication failed", "access-denied"],
  ["PgBouncer", "08P01", "SASL authentication failed", "access-denied"],
  ["PgBouncer", "08P01", "no such user: canary", "access-denied"],
  ["PgBouncer", "08P01", "no such database: canary", "no-such-store"],
  ["PgBouncer", "08P01", 'database "canary" is disabled', "no-such-store"],
  ["PgBouncer", "08P01", "unsupported startup parameter: statement_timeout", "invalid-argument"],
  ["PgBouncer", "08P01", "unsupported startup parameter in options: canary", "invalid-argument"],
  ["PgBouncer", "08P01", "no more connections allowed (max_client_conn)", "unavailable"],
  ["PgBouncer", "08P01", "client_login_timeout (server down)", "unavailable"],
  ["PgBouncer", "08P01", "server login has been failing, try again later (server_login_retry)", "unavailable"],
  ["PgBouncer", "08P01", "something that a later version says", "unavailable"],
  ["Odyssey", "08006", "odyssey: c1: failed to connect to remote server s1", "unavailable"],
  ["Supavisor", "XX000", "Tenant or user not found", "access-denied"],
  ["Supavisor", "XX000", "MaxClientsInSessionMode: max clients reached", "unavailable"],
  ["PostgreSQL", "28P01", 'password authentication failed for user "canary"', "access-denied"],
  ["PostgreSQL", "3D000", 'database "canary" does not exist', "no-such-store"],
  ["PostgreSQL", "53300", "sorry, too many clients already", "unavailable"],
  ["PostgreSQL", "57P03", "the database system is starting up", "unavailable"],
];

test.each(refusals)("%s refuses a login with %s (%s): %s", async (_from, state, said, code) => {
  await using server = await startFakeServer((socket) => void socket.end(errorResponse(state, said)));
  const driver = postgresDriver({ url: server.url });
  const fault = await faultOf(driver, driver.set(setRequest([["a", text("v")]])));
  assert.deepEqual([fault.code, fault.effect, fault.retryable], [code, "none", code === "unavailable"]);
  assert.ok(fault.reason?.startsWith(state));
  assert.doesNotMatch(JSON.stringify(fault), /canary/);
  await driver.close();
});

test("the error for a startup parameter that a pooler rejects says what to do", async () => {
  const said = errorResponse("08P01", "unsupported startup parameter: statement_timeout");
  await using server = await startFakeServer((socket) => void socket.end(said));
  const driver = postgresDriver({ url: server.url });
  const { reason } = await faultOf(driver, driver.get(keysRequest(["a"])));
  assert.match(reason ?? "", /parameter of `url` or `pool`.*remove it/);
  await driver.close();
});

test.each([
  ["08P01", "query_wait_timeout", "unavailable", "none"],
  ["08P01", "server login failed: FATAL password authentication failed", "unavailable", "none"],
  ["08P01", "server closed the connection unexpectedly", "connection-lost", "unknown"],
  ["08006", "odyssey: c1: remote server read/write error", "connection-lost", "unknown"],
])("a pooler that answers a statement with %s (%s) causes %s with effect %s", async (state, said, code, effect) => {
  const ready = message("Z", "I");
  await using server = await startFakeServer(
    (socket) => socket.write(accepted),
    // The pooler accepts the queries about the session, and fails at the write.
    (socket, chunk) => {
      if (chunk.includes("INSERT")) socket.end(errorResponse(state, said));
      else socket.write(Buffer.concat([errorResponse("42883", "no such function"), ready]));
    },
  );
  const driver = postgresDriver({ url: server.url });
  const fault = await faultOf(driver, driver.set(setRequest([["a", text("v")]])));
  assert.deepEqual([fault.code, fault.effect, fault.retryable, fault.reason], [code, effect, true, state]);
  await driver.close();
});

test("a write whose session ends because the server crashes is not applied", async () => {
  const { processID, start } = { processID: 1, start: Buffer.alloc(8) };
  const fields = [
    Buffer.from([0, 0, 0, processID]),
    start,
    Buffer.from([0, 0, 0, 1]),
    Buffer.from([0, 0, 0, 0]),
    Buffer.from("then"),
    Buffer.from("cluster"),
  ];
  const row = Buffer.concat([
    Buffer.from([0, fields.length]),
    ...fields.map((field) => Buffer.concat([Buffer.from([0, 0, 0, field.length]), field])),
  ]);
  const ready = message("Z", "I");
  const crash = message("N", "SWARNING\0VWARNING\0C57P02\0Mterminating connection\0Rquickdie\0\0");
  await using server = await startFakeServer(
    (socket) => socket.write(accepted),
    (socket, chunk) => {
      const isIdentity = chunk.includes("pg_backend_pid");
      if (chunk.includes("INSERT")) socket.end(crash);
      else if (isIdentity) socket.write(Buffer.concat([message("D", row), message("C", "SELECT 1\0"), ready]));
      else socket.write(Buffer.concat([errorResponse("42883", "no such function"), ready]));
    },
  );
  const driver = postgresDriver({ url: server.url });
  const fault = await faultOf(driver, driver.set(setRequest([["a", text("v")]])));
  assert.deepEqual([fault.code, fault.effect, fault.reason], ["unavailable", "none", "57P02"]);
  await driver.close();
});

test("a reply that lacks a row that the server counted makes a read reject", async () => {
  await using server = await startFakeServer(
    (socket) => socket.write(accepted),
    (socket) =>
      socket.write(Buffer.concat([message("1"), message("2"), message("C", "SELECT 1\0"), message("Z", "I")])),
  );
  const driver = postgresDriver({ url: server.url });
  const fault = await faultOf(driver, driver.get(keysRequest(["a"])));
  assert.deepEqual([fault.code, fault.reason], ["connection-lost", "the response is malformed"]);
  await driver.close();
});
