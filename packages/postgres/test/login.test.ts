import assert from "node:assert/strict";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { inspect } from "node:util";
import type { Store } from "@manykv/core";
import { randomName } from "@manykv/test-services";
import pg from "pg";
import { test } from "vitest";
import { postgresStore } from "../src/index.js";
import { text } from "./support/requests.js";
import { testRole } from "./support/role.js";
import { startProxy } from "./support/start-proxy.js";
import { testTable } from "./support/test-table.js";

const table = testTable();

/** Creates a role that may use the table. `url` has no password. Disposing of the result drops the role. */
async function roleWithPassword(): Promise<AsyncDisposable & { name: string; url: string; password: string }> {
  const { name, url } = await testRole(table.admin, table.url);
  await table.admin.query(`GRANT ALL ON "${table.name}" TO ${name}`);
  const own = new URL(url);
  const { password } = own;
  own.password = "";
  return {
    name,
    url: own.href,
    password,
    [Symbol.asyncDispose]: async () => {
      await table.admin.query(`DROP OWNED BY ${name}`);
      await table.admin.query(`DROP ROLE ${name}`);
    },
  };
}

/** Ends all sessions of the role, so that the store must open new connections. */
async function disconnect(role: string): Promise<void> {
  await table.admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", [role]);
}

test("with a password that changes every 2 seconds and connections that break, no call fails", async () => {
  await using role = await roleWithPassword();
  let { password } = role;
  let asked = 0;
  const store = postgresStore({
    url: role.url,
    table: table.name,
    password: async () => {
      asked++;
      await delay(Math.random() * 20);
      return password;
    },
  });
  const bucket = await store.open("b");
  let ended = false;
  let calls = 0;
  const workers = Array.from({ length: 8 }, async (_, worker) => {
    for (let round = 0; !ended; round++) {
      const key = `w${worker}`;
      const value = text(`${round}`);
      await bucket.setMany([[key, value]]);
      assert.deepEqual(await bucket.get(key), value);
      calls += 2;
    }
  });
  for (let second = 0; second < 12; second++) {
    await delay(500);
    if (second % 4 === 3) {
      const next = randomName();
      await table.admin.query(`ALTER ROLE ${role.name} PASSWORD '${next}'`);
      // A token service may be a little late, while connections are opened.
      await disconnect(role.name);
      await delay(100);
      password = next;
    }
    await disconnect(role.name);
  }
  ended = true;
  await Promise.all(workers);
  await store.close();
  assert.ok(calls > 0);
  assert.ok(asked > 12);
});

test("a password function that fails or returns no password causes a clear error without a secret", async () => {
  await using role = await roleWithPassword();
  const failing: [password: () => Promise<string>, expected: object][] = [
    [() => Promise.reject(new Error("canary")), { code: "unavailable", retryable: true, message: /`password` failed/ }],
    [
      () => {
        throw Object.assign(new Error("canary"), { code: "28P01", severity: "FATAL" });
      },
      { code: "unavailable" },
    ],
    [async () => "", { code: "access-denied", retryable: false, message: /`password` must return/ }],
    [async () => undefined as never, { code: "access-denied", retryable: false }],
    [async () => ["canary"] as never, { code: "access-denied", retryable: false }],
  ];
  for (const [password, expected] of failing) {
    await using store = postgresStore({ url: role.url, table: table.name, password, retry: { attempts: 2 } });
    const bucket = await store.open("b");
    await assert.rejects(bucket.get("a"), (error: object) => {
      assert.doesNotMatch(inspect(error, { showHidden: true, depth: 20 }), /canary/);
      return matches(error, expected);
    });
  }
});

function matches(error: object, expected: object): boolean {
  for (const [name, value] of Object.entries(expected)) {
    const actual: unknown = Reflect.get(error, name);
    if (value instanceof RegExp) assert.match(String(actual), value);
    else assert.equal(actual, value);
  }
  return true;
}

test("a refused password is reported at the first attempt, or after new ones were refused for a second", async () => {
  await using role = await roleWithPassword();
  const wrong = new URL(role.url);
  wrong.password = "wrong";
  await using fixed = postgresStore({ url: wrong.href, table: table.name });
  const denied = { code: "access-denied", reason: "28P01", retryable: false };
  await assert.rejects((await fixed.open("b")).get("a"), denied);
  let asked = 0;
  await using store = postgresStore({
    url: role.url,
    table: table.name,
    password: async () => `wrong${asked++}`,
    timeout: 60_000,
    retry: { attempts: 1_000, maxDelay: 200 },
  });
  const bucket = await store.open("b");
  await assert.rejects(bucket.get("a"), denied);
  assert.ok(asked > 1);
});

test("a call whose password function never settles ends by its deadline, and the store can be closed", async () => {
  await using role = await roleWithPassword();
  const store = postgresStore({ url: role.url, table: table.name, password: () => new Promise<never>(() => {}) });
  await assert.rejects((await store.open("b")).get("a", { timeout: 300 }), { code: "timeout" });
  await store.close();
});

/** What a URL with `channel_binding=require` causes without TLS. pg before 8.14 has no channel binding. */
const withoutBinding =
  "enableChannelBinding" in new pg.Client()
    ? { code: "unavailable", retryable: false, message: /channel binding/ }
    : { code: "invalid-argument", retryable: false, message: /pg 8\.14/ };

test("a server that cannot do what the URL asks is reported at the first attempt", async () => {
  const url = new URL(table.url);
  const asking = (change: (url: URL) => void): Store => {
    const changed = new URL(url);
    change(changed);
    return postgresStore({ url: changed.href, table: table.name, timeout: 60_000 });
  };
  const unavailable = { code: "unavailable", retryable: false };
  const cases: [store: Store, expected: object][] = [
    [
      asking((changed) => {
        changed.pathname = "/nothing";
      }),
      { code: "no-such-store", reason: "3D000" },
    ],
    [
      asking((changed) => {
        changed.password = "wrong";
      }),
      { code: "access-denied", reason: "28P01" },
    ],
    [
      asking((changed) => {
        changed.username = "nobody";
      }),
      { code: "access-denied", reason: "28P01" },
    ],
    [asking((changed) => changed.searchParams.set("sslmode", "verify-full")), { ...unavailable, message: /TLS/ }],
    [asking((changed) => changed.searchParams.set("ssl", "1")), { ...unavailable, message: /TLS/ }],
    [
      asking((changed) => changed.searchParams.set("options", "-c no.such=1 -c no_such=1")),
      { code: "invalid-argument", reason: "42704", retryable: false },
    ],
    [asking((changed) => changed.searchParams.set("channel_binding", "require")), withoutBinding],
  ];
  for (const [store, expected] of cases) {
    const bucket = await store.open("b");
    await assert.rejects(bucket.get("a"), (error: object) => matches(error, expected));
    await assert.rejects(bucket.set("a", text("v")), (error: object) => matches(error, expected));
    await store.close();
  }
});

test("a server that is not Postgres is reported at the first attempt, but garbled bytes at a server that worked are not", async () => {
  const answers = [
    ["HTTP/1.1 400 Bad Request\r\n\r\n", ""],
    ["-ERR unknown command\r\n", ""],
    ["HTTP/1.1 400 Bad Request\r\n\r\n", "?sslmode=no-verify"],
  ] as const;
  for (const [answer, parameters] of answers) {
    const server = createServer((socket) => socket.on("error", () => {}).once("data", () => socket.write(answer)));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await using store = postgresStore({ url: `postgres://u:p@127.0.0.1:${port}/db${parameters}`, timeout: 60_000 });
    const expected = { code: "unavailable", retryable: false, message: /protocol of Postgres/ };
    await assert.rejects((await store.open("b")).get("a"), (error: object) => matches(error, expected));
    await store.close();
    server.close();
  }
  await using proxy = await startProxy(table.url);
  await using store = postgresStore({ url: proxy.url(table.url), table: table.name });
  const bucket = await store.open("b");
  await bucket.set("garbled", text("v"));
  // First garbles a reply, so that the store opens a new connection, and then the handshake of that connection.
  const garbled = ["Z\0\0\0\u0005I", "HTTP/1.1"];
  proxy.intercept = (chunk, direction) => {
    const answer = direction === "answer" ? garbled.shift() : undefined;
    return answer === undefined ? chunk : Buffer.from(answer);
  };
  assert.deepEqual(await bucket.get("garbled"), text("v"));
  assert.equal(garbled.length, 0);
});

test("with `channel_binding=require`, no password is sent without channel binding", async () => {
  await using proxy = await startProxy(table.url);
  const answers: string[] = [];
  proxy.intercept = (chunk, direction) => {
    if (direction === "request") answers.push(chunk.subarray(0, 1).toString());
    return chunk;
  };
  await using store = postgresStore({ url: `${proxy.url(table.url)}?channel_binding=require`, table: table.name });
  await assert.rejects((await store.open("b")).get("a"), (error: object) => matches(error, withoutBinding));
  assert.ok(!answers.includes("p"), "the client must not answer the server's request for a password");
});

test("without prepared statements, a pooler sees only unnamed statements", async () => {
  const names = async (parameters: string, options: { prepare?: boolean }): Promise<boolean> => {
    await using proxy = await startProxy(table.url);
    let named = false;
    proxy.intercept = (chunk, direction) => {
      named ||= direction === "request" && chunk.includes("manykv_");
      return chunk;
    };
    const url = `${proxy.url(table.url)}${parameters}`;
    await using store = postgresStore({ url, table: "plain", ...options });
    const bucket = await store.open("b");
    await store.provision();
    await bucket.setMany([
      ["a", text("v")],
      ["b", text("v")],
    ]);
    await bucket.get("a");
    await bucket.deleteMany(["a", "b"]);
    return named;
  };
  assert.equal(await names("", {}), true);
  assert.equal(await names("?prepare=false", {}), false);
  assert.equal(await names("?pgbouncer=true", {}), false);
  assert.equal(await names("?prepare=true", {}), true);
  assert.equal(await names("?prepare=true", { prepare: false }), false);
  const pool = new pg.Pool({ connectionString: table.url });
  const pooled = postgresStore({ pool, table: table.name, prepare: false });
  await (await pooled.open("b")).set("a", text("v"));
  assert.equal((await pool.query("SELECT FROM pg_prepared_statements WHERE name LIKE 'manykv%'")).rowCount, 0);
  await pool.end();
  await table.admin.query(`DROP TABLE plain`);
});

test("`max` in the URL limits the connections of the store", async () => {
  await using proxy = await startProxy(table.url);
  for (const max of [1, 3]) {
    const before = proxy.counts.connections;
    await using store = postgresStore({ url: `${proxy.url(table.url)}?max=${max}`, table: table.name });
    const bucket = await store.open("b");
    await Promise.all(Array.from({ length: 50 }, (_, index) => bucket.set(`max${index}`, text("v"))));
    assert.equal(proxy.counts.connections - before, max);
  }
});
