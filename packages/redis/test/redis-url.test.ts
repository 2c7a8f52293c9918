import { createServer } from "node:net";
import { inspect } from "node:util";
import { StoreError } from "@manykv/core";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { type RedisStoreOptions, redisDriver, redisStore } from "../src/index.js";
import { parseRedisUrl } from "../src/redis-url.js";
import { bytes, text } from "./support/bytes.js";
import { batchRejection, expectNoSecret, rejection } from "./support/rejection.js";

const plain = { topology: "single", database: 0, credentials: undefined };
const one = (host: string, port = 6379) => ({ ...plain, addresses: [{ host, port }] });
const noFiles = { ca: undefined, cert: undefined, key: undefined, servername: undefined };

describe("a URL", () => {
  test.each([
    ["redis://localhost", one("localhost")],
    ["redis://10.0.0.1:7000/3", { ...one("10.0.0.1", 7000), database: 3 }],
    ["redis://host/", one("host")],
    ["REDIS://host", one("host")],
    ["valkey://host", one("host")],
    ["redis://[::1]:7000", one("::1", 7000)],
    ["redis://[fe80::1%25eth0]", one("fe80::1%eth0")],
    ["redis://:p%40ss%3A%2F@host", { ...one("host"), credentials: { password: "p@ss:/" } }],
    ["redis://me:a:b@host", { ...one("host"), credentials: { username: "me", password: "a:b" } }],
    ["redis://me@host", { ...one("host"), credentials: { username: "me", password: "" } }],
    ["redis://:@host", one("host")],
    ["rediss://me:x@host:1", { ...one("host", 1), tls: noFiles, credentials: { username: "me", password: "x" } }],
    ["valkeys://host:1", { ...one("host", 1), tls: noFiles }],
    [
      "rediss://host:1?tls_ca=/a%20b/ca.pem&tls_cert=c.pem&tls_key=k.pem&tls_server_name=name",
      { ...one("host", 1), tls: { ca: "/a b/ca.pem", cert: "c.pem", key: "k.pem", servername: "name" } },
    ],
    [
      "redis+cluster://u:p@a:1,b,[2001:db8::1]:3",
      {
        ...plain,
        topology: "cluster",
        credentials: { username: "u", password: "p" },
        addresses: [
          { host: "a", port: 1 },
          { host: "b", port: 6379 },
          { host: "2001:db8::1", port: 3 },
        ],
      },
    ],
    ["rediss+cluster://a:1", { ...one("a", 1), topology: "cluster", tls: noFiles }],
    ["valkeys+cluster://a:1/", { ...one("a", 1), topology: "cluster", tls: noFiles }],
    ["redis+unix:///run/redis.sock", { ...plain, topology: "unix", addresses: [], path: "/run/redis.sock" }],
    [
      "valkey+unix://u:p@/run/a%20b.sock?db=3",
      {
        ...plain,
        topology: "unix",
        addresses: [],
        path: "/run/a b.sock",
        database: 3,
        credentials: { username: "u", password: "p" },
      },
    ],
    [
      "redis+sentinel://u:p@a,[::1]:1/my%20service/2?sentinel_password=s%40",
      {
        ...plain,
        topology: "sentinel",
        addresses: [
          { host: "a", port: 26379 },
          { host: "::1", port: 1 },
        ],
        service: "my service",
        database: 2,
        credentials: { username: "u", password: "p" },
        sentinelCredentials: { password: "s@" },
      },
    ],
    [
      "valkeys+sentinel://a:1/main?sentinel_username=su",
      {
        ...one("a", 1),
        topology: "sentinel",
        service: "main",
        tls: noFiles,
        sentinelCredentials: { username: "su", password: "" },
      },
    ],
  ])("is parsed: %s", (url, expected) => {
    expect(parseRedisUrl(url)).toEqual(expected);
  });

  test.each([
    ["", /redis:\/\/HOST/],
    ["localhost:6379", /redis:\/\/HOST/],
    ["http://:canary@localhost", /redis:\/\/HOST/],
    ["redis+sentinel://:canary@localhost", /SERVICE/],
    ["redis+sentinel://:canary@localhost/", /SERVICE/],
    ["redis+sentinel://:canary@localhost//1", /SERVICE/],
    ["redis+sentinel://:canary@localhost/main/1/2", /SERVICE/],
    ["redis+sentinel://:canary@localhost/main/one", /database/],
    ["redis+sentinel://localhost/main?sentinel_password=canary&sentinel_password=canary", /"sentinel_password" once/],
    ["redis+sentinel://localhost/main?sentinel_password=", /"sentinel_password" once/],
    ["redis+sentinel://localhost/main?sentinel_pasword=canary", /sentinel_username, sentinel_password/],
    ["redis://localhost?sentinel_password=canary", /"sentinel_password"/],
    ["redis+unix://:canary@localhost/path", /three slashes/],
    ["redis+unix://:canary@", /path/],
    ["redis+unix:///", /path/],
    ["redis+unix:///path?db=canary", /database/],
    ["redis+unix:///path?database=1", /use db/],
    ["rediss+unix:///path", /Unix socket has none/],
    ["redis://:canary@host?tls_ca=ca.pem", /"tls_ca", but no TLS/],
    ["rediss://:canary@host?tls_caa=ca.pem", /tls_ca, tls_cert, tls_key, tls_server_name/],
    ["rediss://:canary@host?tls_cert=cert.pem", /both tls_cert and tls_key/],
    ["rediss://:canary@host?tls_ca=/no/such/canary.pem", /"tls_ca" cannot be read: ENOENT/],
    ["redis:///0", /host/],
    ["redis://:canary@host:port", /host/],
    ["redis://:canary@host:70000", /port/],
    ["redis://:canary@host:0", /port/],
    ["redis://:canary@host/one", /database/],
    ["redis://:canary@host/-1", /database/],
    ["redis://:canary@host/1.5", /database/],
    ["redis://:canary@host/1/2", /database/],
    ["redis+cluster://:canary@host/1", /database/],
    ["redis://:canary@a,b", /several hosts/],
    ["redis+cluster://:canary@a,", /host/],
    ["redis://:canary@host?tiemout=1&password=canary", /"tiemout"/],
    ["redis://:canary@host?", undefined],
    ["redis://:canary%zz@host", /percent-encoding/],
    ["redis://:can#ary@host", /%23/],
    ["redis://:canary@@host", undefined],
    ["redis://user:1?canary@host", /%40/],
    ["redis://user:1#canary@host", /%40/],
  ])("is checked for errors: %s", (url, message) => {
    if (message === undefined) {
      expect(parseRedisUrl(url).addresses[0]?.host).toBe("host");
      return;
    }
    const error = thrown(() => redisStore({ url }));
    expect(error).toMatchObject({ tag: "other", code: "invalid-argument", retryable: false });
    expect(error.message).toMatch(message);
    expectNoSecret(error, "canary");
    expect(error.message).not.toContain("can#ary");
  });
});

describe("the store rejects", () => {
  const client = new Redis({ lazyConnect: true });
  const prefixed = new Redis({ lazyConnect: true, keyPrefix: "canary:" });
  const url = "redis://:canary@localhost";
  test.each([
    ["missing options", undefined, /options must be an object/],
    ["null as options", null, /options must be an object/],
    ["neither url nor client", {}, /exactly one of `url`, `client`/],
    ["both url and client", { url, client }, /exactly one of `url`, `client`/],
    ["a client with a keyPrefix", { client: prefixed }, /keyPrefix/],
    ["an object that is not a client", { client: { canary: 1 } }, /`client` must be a Redis/],
    ["a function as client", { client: () => {} }, /`client` must be a Redis/],
    [
      "credentials that are not a function",
      { url, credentials: { password: "canary" } },
      /`credentials` must be a function/,
    ],
    [
      "sentinelCredentials that are not a function",
      { url, sentinelCredentials: "canary" },
      /`sentinelCredentials` must/,
    ],
    ["sentinelCredentials without sentinels", { url, sentinelCredentials: async () => ({}) }, /redis\+sentinel:/],
    ["tls for a URL without TLS", { url, tls: {} }, /rediss:/],
    ["tls with a client", { client, tls: {} }, /only with `url`/],
    ["tls that is not an object", { url: "rediss://localhost", tls: true }, /`tls` must be an object/],
    ["an unknown TLS option", { url: "rediss://localhost", tls: { canarry: 1 } }, /`tls.canarry`/],
    ["a url that is not a string", { url: new URL("redis://:canary@localhost") }, /redis:\/\/HOST/],
    ["a connectTimeout of 0", { url, connectTimeout: 0 }, /connectTimeout/],
    ["a connectTimeout that is a string", { url, connectTimeout: "canary" }, /connectTimeout/],
    ["an unknown option", { url, conectTimeout: 1 }, /conectTimeout/],
    ["a limit above the backend's", { url, limits: { maxValueBytes: 2 ** 40 } }, /maxValueBytes/],
  ])("%s", (_, options, message) => {
    const error = thrown(() => redisStore(options as RedisStoreOptions));
    expect(error).toMatchObject({ code: "invalid-argument", retryable: false });
    expect(error.message).toMatch(message);
    expectNoSecret(error, "canary");
  });
});

describe("a server that cannot be reached", () => {
  test.each([
    ["a closed port", async () => `redis://:canary@127.0.0.1:${await unusedPort()}`],
    ["an unknown host", async () => "redis://:canary@no-such-host.invalid"],
    [
      "a cluster with closed ports",
      async () => `redis+cluster://:canary@127.0.0.1:${await unusedPort()},127.0.0.1:${await unusedPort()}`,
    ],
  ])("makes calls fail within their timeout: %s", async (_, urlOf) => {
    await using store = redisStore({ url: await urlOf(), timeout: 1_000 });
    const bucket = await store.open("bucket");
    const start = performance.now();
    const reading = await rejection(bucket.get("key"));
    const writing = await batchRejection(bucket.set("key", bytes("canary")));
    expect(performance.now() - start).toBeLessThan(4_000);
    for (const error of [reading, writing]) {
      expect(error).toMatchObject({ tag: "other", code: "unavailable", retryable: true });
      expectNoSecret(error, "canary");
    }
    expect(writing.outcomeOf(0)).toBe("not-applied");
  });

  test("makes calls fail within their timeout if it accepts connections and never replies", async () => {
    const server = createServer(() => {});
    const port = await listen(server);
    for (const scheme of ["redis", "rediss", "redis+cluster", "rediss+cluster"]) {
      await using store = redisStore({ url: `${scheme}://:canary@127.0.0.1:${port}`, timeout: 600 });
      const writing = await batchRejection((await store.open("bucket")).set("key", bytes("canary")));
      expect(["timeout", "unavailable"]).toContain(writing.code);
      expect(writing.retryable).toBe(true);
      expect(writing.outcomeOf(0)).toBe("not-applied");
      expectNoSecret(writing, "canary");
    }
    server.close();
  });

  test("makes an attempt fail after connectTimeout", async () => {
    const server = createServer(() => {});
    const port = await listen(server);
    await using store = redisStore({
      url: `redis://127.0.0.1:${port}`,
      connectTimeout: 50,
      retry: { attempts: 1 },
    });
    const error = await rejection((await store.open("bucket")).get("key"));
    expect(error).toMatchObject({ code: "unavailable", retryable: true });
    expect(error.message).toContain("ETIMEDOUT");
    server.close();
  });
});

test("an option that changes when it is read again is read once", async () => {
  const values = ["redis://localhost", "canary"];
  const driver = redisDriver({
    get url() {
      return values.shift();
    },
  });
  expect(values).toEqual(["canary"]);
  await driver.close();
});

test("creating a store sends nothing", async () => {
  let connections = 0;
  const server = createServer(() => {
    connections++;
  });
  const port = await listen(server);
  for (const scheme of ["redis", "redis+cluster"]) {
    const store = redisStore({ url: `${scheme}://127.0.0.1:${port}` });
    await store.open("bucket");
    await store.close();
  }
  await new Promise(setImmediate);
  expect(connections).toBe(0);
  server.close();
});

test("no object that a caller receives shows the password", async () => {
  const url = "redis://canary-user:canary-password@localhost:1/1";
  const driver = redisDriver({ url });
  const store = redisStore({ url });
  const bucket = await store.open("bucket");
  for (const each of [driver, store, bucket]) {
    expect(inspect(each, { depth: 10, showHidden: true })).not.toContain("canary");
    expect(JSON.stringify(each)).not.toContain("canary");
  }
  await driver.close();
  await store.close();
});

test("the store uses the database in the URL", async () => {
  const url = serviceUrl("redis");
  const [first, second] = [redisStore({ url: `${url}/0` }), redisStore({ url: `${url}/1` })];
  const name = `databases${Math.random().toString(36).slice(2)}`;
  await (await first.open(name)).set("key", bytes("zero"));
  expect(await (await second.open(name)).get("key")).toBeUndefined();
  await (await second.open(name)).set("key", bytes("one"));
  expect(text(await (await first.open(name)).get("key"))).toBe("zero");
  for (const store of [first, second]) {
    await (await store.open(name)).delete("key");
    await store.close();
  }
});

function thrown(action: () => unknown): StoreError {
  try {
    action();
  } catch (error) {
    if (StoreError.is(error)) return error;
    throw error;
  }
  throw new Error("the action must throw a StoreError, but threw nothing");
}

async function listen(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server is not listening on a port");
  return address.port;
}

async function unusedPort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}
