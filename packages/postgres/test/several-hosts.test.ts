import assert from "node:assert/strict";
import { randomName, startDedicatedPostgres, startRelay } from "@manykv/test-services";
import pg from "pg";
import { describe, test } from "vitest";
import { postgresStore } from "../src/index.js";
import { addressOf } from "./support/address-of.js";
import { text } from "./support/requests.js";
import { testTable } from "./support/test-table.js";
import { until } from "./support/until.js";

const table = testTable();
const { username, password, pathname, hostname, port } = new URL(table.url);
const target = `${hostname}:${port || 5432}`;

/** Returns a URL with these hosts. */
function urlOf(hosts: readonly string[], parameters = ""): string {
  return `postgres://${username}:${password}@${hosts.join(",")}${pathname}?table=${table.name}${parameters}`;
}

/** A host at which nothing listens. */
async function closedHost(): Promise<string> {
  const relay = await startRelay(addressOf(table.url), { host: "127.0.0.1" });
  await relay.stop();
  return `127.0.0.1:${relay.port}`;
}

test("a store uses the first host that accepts connections, and moves on when this host fails", async () => {
  await using first = await startRelay(addressOf(table.url), { host: "127.0.0.1" });
  await using second = await startRelay(addressOf(table.url), { host: "127.0.0.1" });
  const url = urlOf([await closedHost(), `127.0.0.1:${first.port}`, `127.0.0.1:${second.port}`]);
  await using store = postgresStore({ url, retry: { attempts: 1 } });
  const bucket = await store.open("b");
  await bucket.set("a", text("1"));
  assert.ok(first.accepted > 0);
  assert.equal(second.accepted, 0);
  await first.stop();
  // The idle connection to the first host is gone. The pool may notice this only when a request uses the connection.
  await bucket.get("a").catch(() => {});
  assert.deepEqual(await bucket.get("a"), text("1"));
  assert.ok(second.accepted > 0);
});

test("the parameters `host` and `port` may contain several hosts", async () => {
  await using relay = await startRelay(addressOf(table.url), { host: "127.0.0.1" });
  const closed = await closedHost();
  const url = urlOf([""], `&host=127.0.0.1,127.0.0.1&port=${closed.split(":")[1]},${relay.port}`);
  await using store = postgresStore({ url, retry: { attempts: 1 } });
  await (await store.open("b")).set("a", text("1"));
  assert.ok(relay.accepted > 0);
});

test("if no host accepts connections, a call reports the reason", async () => {
  await using store = postgresStore({ url: urlOf([await closedHost(), await closedHost()]), retry: { attempts: 1 } });
  await assert.rejects((await store.open("b")).get("a"), { code: "unavailable", reason: "ECONNREFUSED" });
});

test("a wrong password is not tried at the next host", async () => {
  await using relay = await startRelay(addressOf(table.url), { host: "127.0.0.1" });
  const url = urlOf([target, `127.0.0.1:${relay.port}`]).replace(password, "wrong");
  await using store = postgresStore({ url });
  await assert.rejects((await store.open("b")).get("a"), { code: "access-denied", reason: "28P01" });
  assert.equal(relay.accepted, 0);
});

/** Makes all new sessions of the role read-only or not, as on a server that is no longer the primary. */
async function readOnlyRole(): Promise<{
  url: (host: string, more?: string) => string;
  set(on: boolean): Promise<void>;
  drop(): Promise<void>;
}> {
  const name = randomName();
  await table.admin.query(`CREATE ROLE ${name} LOGIN PASSWORD '${name}'`);
  await table.admin.query(`GRANT ALL ON "${table.name}" TO ${name}`);
  return {
    url: (host, more = "") => `postgres://${name}:${name}@${host}${pathname}?table=${table.name}${more}`,
    set: async (on) => {
      await table.admin.query(`ALTER ROLE ${name} SET default_transaction_read_only = ${on ? "on" : "off"}`);
    },
    drop: async () => {
      await table.admin.query(`DROP OWNED BY ${name}`);
      await table.admin.query(`DROP ROLE ${name}`);
    },
  };
}

test("with several hosts, a session that is read-only is not used unless the URL permits it", async () => {
  const role = await readOnlyRole();
  await role.set(true);
  const hosts = `${target},${target}`;
  for (const parameters of ["", "&target_session_attrs=read-write"]) {
    await using store = postgresStore({ url: role.url(hosts, parameters), retry: { attempts: 2 } });
    const bucket = await store.open("b");
    await assert.rejects(bucket.set("a", text("1")), { code: "unavailable", reason: "25006", retryable: true });
    await role.set(false);
    await bucket.set("a", text("1"));
    await role.set(true);
  }
  // `primary` asks for a server that is not in recovery, and `any` for any server.
  for (const parameters of ["&target_session_attrs=primary", "&target_session_attrs=any"]) {
    await using store = postgresStore({ url: role.url(hosts, parameters), retry: { attempts: 1 } });
    const bucket = await store.open("b");
    await bucket.get("a");
    await assert.rejects(bucket.set("a", text("1")), { code: "unavailable", reason: "25006" });
  }
  await role.drop();
});

describe("with a standby", { timeout: 120_000 }, () => {
  test("a single host in recovery is reported at the first attempt, and is used after its promotion", async () => {
    await using standby = await startDedicatedPostgres({ source: "process", standby: true });
    await using store = postgresStore({ url: standby.url });
    const bucket = await store.open("b");
    const expected = { code: "unavailable", reason: "25006", retryable: false };
    await assert.rejects(bucket.get("a"), expected);
    await assert.rejects(bucket.set("a", text("1")), {
      ...expected,
      counts: { applied: 0, "not-applied": 1, unknown: 0 },
    });
    await using reader = postgresStore({ url: `${standby.url}?target_session_attrs=any` });
    await assert.rejects((await reader.open("b")).get("a"), { code: "no-such-store" });
    await promote(standby.url);
    await store.provision();
    await bucket.set("a", text("1"));
    assert.deepEqual(await bucket.get("a"), text("1"));
  });

  test("a store leaves a server that becomes read-only while it is connected", async () => {
    await using first = await startDedicatedPostgres({ source: "process" });
    await using second = await startDedicatedPostgres({ source: "process" });
    const url = await sameLogin(first.url, second.url);
    await using store = postgresStore({ url, retry: { attempts: 3 } });
    await using other = postgresStore({ url: second.url.replace(/[^/]*$/, "postgres"), table: table.name });
    await store.provision();
    await other.provision();
    const bucket = await store.open("b");
    await bucket.set("a", text("1"));
    const admin = new URL(first.url);
    admin.password = new URL(second.url).password;
    await query(admin.href, "ALTER SYSTEM SET default_transaction_read_only = on");
    await query(admin.href, "SELECT pg_reload_conf()");
    await until(async () => (await query(admin.href, "SHOW default_transaction_read_only")) === "on");
    // The session of the store reads the new setting soon after others have read it.
    await until(async () => {
      await bucket.set("a", text("2"));
      return (await other.open("b")).exists("a");
    });
    await bucket.set("a", text("3"));
    assert.deepEqual(await (await other.open("b")).get("a"), text("3"));
  });

  test("a store uses the standby as soon as the primary has failed and the standby is promoted", async () => {
    await using primary = await startDedicatedPostgres({ source: "process" });
    await using standby = await startDedicatedPostgres({ source: "process", standby: true });
    // The standby follows no primary, so it lacks the table.
    const url = await sameLogin(primary.url, standby.url);
    await using store = postgresStore({ url, timeout: 30_000, retry: { attempts: 1_000, maxDelay: 200 } });
    await store.provision();
    const bucket = await store.open("b");
    await bucket.set("a", text("on the primary"));
    await primary.kill();
    const provisioned = store.provision();
    await promote(standby.url);
    await provisioned;
    await bucket.set("b", text("on the new primary"));
    assert.deepEqual(await bucket.get("b"), text("on the new primary"));
    assert.equal(await bucket.get("a"), undefined);
  });
});

/** Returns a URL with both servers. The first one gets the password of the second one, which may be read-only. */
async function sameLogin(first: string, second: string): Promise<string> {
  const { username: user, password: secret, host } = new URL(second);
  await query(first, `ALTER ROLE ${user} PASSWORD '${secret}'`);
  return `postgres://${user}:${secret}@${new URL(first).host},${host}/postgres?table=${table.name}`;
}

/** Runs a statement. Returns the first field of the first row. */
async function query(url: string, statement: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query({ text: statement, rowMode: "array" });
  await client.end();
  return String(rows[0]?.[0]);
}

async function promote(url: string): Promise<void> {
  await query(url, "SELECT pg_promote()");
  await until(async () => (await query(url, "SELECT pg_is_in_recovery()")) === "false");
}
