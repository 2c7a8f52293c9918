import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { Store } from "@manykv/core";
import { randomName } from "@manykv/test-services";
import pg from "pg";
import { afterEach, test, vi } from "vitest";
import { postgresDriver, postgresStore } from "../src/index.js";
import { faultOf } from "./support/fault-of.js";
import { keysRequest, setRequest, text } from "./support/requests.js";
import { startProxy } from "./support/start-proxy.js";
import { testTable } from "./support/test-table.js";
import { until } from "./support/until.js";

const table = testTable();

afterEach(() => vi.restoreAllMocks());

/** Runs `body`, and returns the exceptions that nothing caught. Without this function, they would end the process. */
async function uncaughtDuring(body: () => Promise<void>): Promise<unknown[]> {
  const uncaught: unknown[] = [];
  const events = ["uncaughtException", "unhandledRejection"] as const;
  const before = events.map((event) => [event, process.listeners(event as "uncaughtException")] as const);
  for (const event of events) process.removeAllListeners(event).on(event, (error: unknown) => uncaught.push(error));
  try {
    await body();
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    for (const [event, listeners] of before) {
      process.removeAllListeners(event);
      for (const listener of listeners) process.on(event, listener);
    }
  }
  return uncaught;
}

test("a client whose query() throws after it sent the statement makes the call reject, and nothing else happens", async () => {
  class Client extends pg.Client {
    override query(...args: unknown[]): never {
      Reflect.apply(super.query, this, args);
      if (typeof (args[0] as { submit?: unknown }).submit === "function") throw new TypeError("no submittables");
      return undefined as never;
    }
  }
  const pool = new pg.Pool({ connectionString: table.url, Client: Client as unknown as typeof pg.Client, max: 1 });
  const driver = postgresDriver({ pool, table: table.name });
  const uncaught = await uncaughtDuring(async () => {
    for (const request of [() => driver.get(keysRequest(["a"])), () => driver.set(setRequest([["a", text("v")]]))]) {
      const { code, retryable, reason } = await faultOf(driver, request());
      assert.deepEqual([code, retryable], ["invalid-argument", false]);
      assert.match(reason ?? "", /wrap pg/);
    }
  });
  assert.deepEqual(uncaught, []);
  await pool.end();
});

test("a `query` that is replaced by an async function works, and its rejection fails only its call", async () => {
  const replace = (wrap: (send: () => unknown) => Promise<unknown>): pg.Pool => {
    const pool = new pg.Pool({ connectionString: table.url, max: 1 });
    return pool.on("connect", (client) => {
      const { query } = client;
      client.query = ((...args: unknown[]) => wrap(() => Reflect.apply(query, client, args))) as typeof query;
    });
  };
  const rejecting = async (): Promise<never> => {
    throw new Error("canary");
  };
  const before = replace(rejecting);
  const after = replace((send) => {
    send();
    return rejecting();
  });
  const uncaught = await uncaughtDuring(async () => {
    const refusing = postgresDriver({ pool: before, table: table.name });
    for (const request of [
      () => refusing.get(keysRequest(["a"])),
      () => refusing.set(setRequest([["a", text("v")]])),
    ]) {
      const { code, effect, reason } = await faultOf(refusing, request());
      assert.deepEqual([code, effect], ["invalid-argument", "none"]);
      assert.match(reason ?? "", /wrap pg/);
    }
    const driver = postgresDriver({ pool: after, table: table.name });
    await driver.set(setRequest([["a", text("v")]]));
    assert.deepEqual((await driver.get(keysRequest(["a"]))).values, [text("v")]);
  });
  assert.deepEqual(uncaught, []);
  await before.end();
  await after.end();
});

test("a `connect` of the pool that only returns a promise works, and its rejection fails only its call", async () => {
  class Promising extends pg.Pool {
    failure: Error | undefined;
    override async connect(): Promise<pg.PoolClient> {
      if (this.failure !== undefined) throw this.failure;
      return super.connect();
    }
  }
  const pool = new Promising({ connectionString: table.url, max: 1 });
  const driver = postgresDriver({ pool, table: table.name });
  const uncaught = await uncaughtDuring(async () => {
    await Promise.all(["1", "2", "3"].map((value) => driver.set(setRequest([["a", text(value)]]))));
    assert.equal(pool.totalCount, pool.idleCount);
    pool.failure = new Error("canary");
    const fault = await faultOf(driver, driver.set(setRequest([["a", text("v")]])));
    assert.deepEqual(fault, { code: "unavailable", retryable: true, effect: "none", reason: undefined });
  });
  assert.deepEqual(uncaught, []);
  await pool.end();
});

test("a read-only `emit` of a client does not disturb calls", async () => {
  const pool = new pg.Pool({ connectionString: table.url, max: 1 });
  pool.on("connect", (client) => void Object.defineProperty(client, "emit", { value: client.emit, writable: false }));
  const driver = postgresDriver({ pool, table: table.name });
  await driver.set(setRequest([["a", text("v")]]));
  assert.deepEqual((await driver.get(keysRequest(["a"]))).values, [text("v")]);
  await pool.end();
});

test("listeners that throw do not disturb calls, and their exceptions are uncaught as without manykv", async () => {
  const trigger = randomName();
  await table.admin.query(`CREATE FUNCTION ${trigger}() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE NOTICE 'written'; RETURN NEW; END $$`);
  await table.admin.query(`CREATE TRIGGER ${trigger} BEFORE INSERT ON "${table.name}"
    FOR EACH ROW EXECUTE FUNCTION ${trigger}()`);
  const pool = new pg.Pool({ connectionString: table.url, max: 1 });
  const thrown = new Error("a listener throws");
  pool.on("connect", (client) => {
    client.on("notice", () => {
      throw thrown;
    });
  });
  await using store = postgresStore({ pool, table: table.name, retry: { attempts: 1 } });
  const bucket = await store.open("b");
  const uncaught = await uncaughtDuring(async () => {
    await bucket.set("noticed", text("v"));
    await bucket.set("noticed", text("w"));
    assert.deepEqual(await bucket.get("noticed"), text("w"));
  });
  assert.deepEqual(uncaught, [thrown, thrown]);
  await pool.end();
  await table.admin.query(`DROP FUNCTION ${trigger} CASCADE`);
});

const kinds = ["the store's own pool", "the caller's pool"] as const;

/** Returns a store without retries. */
function onceStore(kind: (typeof kinds)[number], pool: pg.Pool): Store {
  const server = kind === "the store's own pool" ? { url: table.url } : { pool };
  return postgresStore({ ...server, table: table.name, retry: { attempts: 1 } });
}

for (const kind of kinds) {
  test(`listeners that tracing tools add to the clients of ${kind} may throw`, async () => {
    const { prototype } = pg.Client as unknown as { prototype: { connect(...rest: unknown[]): unknown } };
    const { connect } = prototype;
    // In the caller's pool, a listener of `connect` that throws interrupts pg itself.
    const events = kind === "the caller's pool" ? ["drain"] : ["connect", "drain"];
    vi.spyOn(prototype, "connect").mockImplementation(function (this: pg.Client, ...rest) {
      for (const event of events) {
        this.on(event as "drain", () => {
          throw new Error(event);
        });
      }
      return connect.apply(this, rest);
    });
    const pool = new pg.Pool({ connectionString: table.url });
    const store = onceStore(kind, pool);
    const bucket = await store.open("b");
    const uncaught = await uncaughtDuring(async () => {
      await bucket.set("listened", text("v"));
      assert.deepEqual(await bucket.get("listened"), text("v"));
    });
    assert.ok(uncaught.length >= 1);
    await store.close();
    await pool.end();
  });

  test.each(["a client", "the client's class", "EventEmitter"])(
    `an \`emit\` of %s in ${kind} that another program replaces may throw`,
    async (where) => {
      const { prototype } = pg.Client as unknown as { prototype: { connect(...rest: unknown[]): unknown } };
      const { connect } = prototype;
      let thrown = 0;
      vi.spyOn(prototype, "connect").mockImplementation(function (this: pg.Client, ...rest) {
        const places: Record<string, pg.Client> = {
          "a client": this,
          "the client's class": Object.getPrototypeOf(this),
        };
        const place = places[where] ?? EventEmitter.prototype;
        const { emit } = place;
        vi.spyOn(place, "emit").mockImplementation(function (this: unknown, ...event: unknown[]) {
          if (!(this instanceof pg.Client) || event[0] !== "drain") return Reflect.apply(emit, this, event);
          thrown++;
          throw new Error("drain");
        });
        return connect.apply(this, rest);
      });
      const pool = new pg.Pool({ connectionString: table.url, max: 1 });
      const store = onceStore(kind, pool);
      const bucket = await store.open("b");
      await uncaughtDuring(async () => {
        await bucket.set("emitted", text("v"));
        assert.deepEqual(await bucket.get("emitted"), text("v"));
        // If pg kept messages of the calls, it would take them for the reply.
        if (kind === "the caller's pool") assert.deepEqual((await pool.query("SELECT 1 AS one")).rows, [{ one: 1 }]);
      });
      assert.ok(thrown >= 2);
      vi.restoreAllMocks();
      await store.close();
      await pool.end();
    },
  );

  test(`a tool that wraps query() of ${kind} sees the end of each statement, and no keys or values`, async () => {
    await using proxy = await startProxy(table.url);
    const { prototype } = pg.Client as unknown as { prototype: { query(...rest: unknown[]): unknown } };
    const { query } = prototype;
    const spans: { text: string; ends: unknown[] }[] = [];
    // Tools replace the callback, copy the first argument, and read its `text`.
    vi.spyOn(prototype, "query").mockImplementation(function (this: pg.Client, first, ...rest) {
      const callback = rest.at(-1);
      if (typeof callback !== "function") return query.call(this, first, ...rest);
      const copy = { ...(first as { text: string }) };
      const span: (typeof spans)[number] = { text: copy.text, ends: [] };
      spans.push(span);
      const ended = (error: unknown, result: unknown): void => {
        span.ends.push(error ?? result);
        callback(error, result);
      };
      return query.call(this, copy, ...rest.slice(0, -1), ended);
    });
    const url = proxy.url(table.url);
    const pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: 2_000 });
    pool.on("error", () => {});
    const own = kind === "the store's own pool";
    const driver = postgresDriver({ ...(own ? { url } : { pool }), table: table.name });
    const missing = postgresDriver({ ...(own ? { url } : { pool }), table: randomName() });
    await driver.set(setRequest([["canary", text("canary")]]));
    await driver.get(keysRequest(["canary", "canary 2"]));
    await faultOf(missing, missing.get(keysRequest(["canary"])));
    const results = spans.flatMap(({ ends }) => ends);
    assert.equal(results.filter((each) => each instanceof Error).length, 1);
    assert.ok(results.some((each) => Reflect.get(Object(each), "rowCount") === 1));
    proxy.intercept = (chunk, direction, connection) => {
      if (direction === "answer") connection.client.destroy();
      return chunk;
    };
    await faultOf(driver, driver.get(keysRequest(["canary"])));
    proxy.intercept = (chunk) => chunk;
    await driver.get(keysRequest(["canary"]));
    proxy.intercept = (chunk, direction) => (direction === "answer" ? undefined : chunk);
    await faultOf(driver, driver.get(keysRequest(["canary"], "b", AbortSignal.timeout(100))));
    await until(() => spans.every(({ ends }) => ends.length > 0));
    for (const { text: sql, ends } of spans) {
      assert.equal(ends.length, 1, sql);
      assert.match(sql, /^[A-Z]+ /);
      assert.doesNotMatch(`${sql} ${JSON.stringify(ends)} ${ends}`, /canary/);
    }
    await driver.close();
    await missing.close();
    await pool.end();
  });
}

test("a notification that arrives in pieces reaches its listener, and a call in between succeeds", async () => {
  for (let cut = 1; cut < 30; cut += 4) {
    await using proxy = await startProxy(table.url);
    const pool = new pg.Pool({ connectionString: proxy.url(table.url), max: 1 });
    pool.on("error", () => {});
    await using store = postgresStore({ pool, table: table.name, retry: { attempts: 1 } });
    const bucket = await store.open("b");
    const payloads: unknown[] = [];
    const client = await pool.connect();
    await client.query("LISTEN pieces");
    client.on("notification", ({ payload }) => payloads.push(payload));
    client.release();
    await bucket.get("before");
    let rest: Buffer | undefined;
    proxy.intercept = (chunk, direction) => {
      if (direction === "request") return chunk;
      if (rest !== undefined) {
        const whole = Buffer.concat([rest, chunk]);
        proxy.intercept = (each) => each;
        return whole;
      }
      rest = chunk.subarray(cut);
      return chunk.subarray(0, cut);
    };
    await table.admin.query("NOTIFY pieces, 'a payload'");
    await until(() => rest !== undefined);
    await bucket.set("between", text(`${cut}`));
    assert.deepEqual(await bucket.get("between"), text(`${cut}`));
    await until(() => payloads.length === 1);
    assert.deepEqual(payloads, ["a payload"]);
    await store.close();
    await pool.end();
  }
});

test("a closed store leaves no listener on the caller's pool and its connections", async () => {
  const pool = new pg.Pool({ connectionString: table.url, max: 1 });
  const client = await pool.connect();
  const { stream } = client.connection;
  const count = (): number[] => [
    ...["data", "close", "error"].map((event) => stream.listenerCount(event)),
    ...["connect", "acquire", "release", "remove", "error"].map((event) => pool.listenerCount(event)),
  ];
  const before = count();
  client.release();
  const stores = Array.from({ length: 20 }, () => postgresStore({ pool, table: table.name }));
  for (const store of stores) await (await store.open("b")).set("a", text("v"));
  // All stores share one listener, so that Node.js does not warn of a leak.
  assert.ok(stream.listenerCount("data") <= 2);
  for (const store of stores) await store.close();
  assert.deepEqual(count(), before);
  await pool.end();
});
