import { setTimeout as pause } from "node:timers/promises";
import { TcpProxy } from "@manykv/conformance/faults";
import type { Bucket } from "@manykv/core";
import { randomName, startDedicatedRedis } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Redis } from "ioredis";
import { afterEach, describe, expect, test } from "vitest";
import { redisStore } from "../src/index.js";
import { addressesOf } from "./support/addresses.js";
import { bytes, text } from "./support/bytes.js";
import { batchRejection, rejection } from "./support/rejection.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const [server] = addressesOf(serviceUrl("redis")) as [{ host: string; port: number }];

async function startProxy(): Promise<TcpProxy> {
  const proxy = await TcpProxy.start(server);
  cleanups.push(() => proxy[Symbol.asyncDispose]());
  return proxy;
}

type Way = "url" | "client";

/** Returns a bucket behind the proxy, with an open connection, and the same bucket without the proxy. */
async function through(proxy: TcpProxy, way: Way, name: string = randomName()): Promise<[Bucket, Bucket]> {
  const client = way === "client" ? hardyClient(proxy) : undefined;
  const store = redisStore(client === undefined ? { url: proxy.url("redis://localhost") } : { client });
  const direct = redisStore({ url: serviceUrl("redis") });
  cleanups.push(
    () => store.close(),
    () => direct.close(),
    () => client?.disconnect(),
  );
  const bucket = await store.open(name);
  await bucket.set("warm", bytes("up"));
  return [bucket, await direct.open(name)];
}

/** Returns a client that queues, resends and times out commands. The store must not use these settings. */
function hardyClient({ port }: TcpProxy): Redis {
  const client = new Redis({
    host: "127.0.0.1",
    port,
    enableOfflineQueue: true,
    autoResendUnfulfilledCommands: true,
    maxRetriesPerRequest: null,
    retryStrategy: () => 20,
    commandTimeout: 100,
    lazyConnect: true,
  });
  client.on("error", () => {});
  return client;
}

for (const way of ["url", "client"] as const) {
  describe(`a connection by ${way}`, () => {
    test("closes before the reply to a write: the write is fenced, repeated and acknowledged", async () => {
      const proxy = await startProxy();
      const [bucket, direct] = await through(proxy, way);
      const connection = proxy.last;
      connection.hold("answer");
      const writing = bucket.setMany([["key", bytes("new")]]);
      await pause(50);
      connection.cut();
      await writing;
      expect(text(await direct.get("key"))).toBe("new");
    });

    test.each([
      ["reads", (bucket: Bucket, key: string) => bucket.get(key)],
      // The new connection also settles the lost writes.
      ["writes", (bucket: Bucket, key: string) => bucket.set(key, bytes("new"))],
    ])("closes before the replies to many calls: %s open one more connection", async (_, call) => {
      const proxy = await startProxy();
      const [bucket] = await through(proxy, way);
      const before = proxy.counts.connections;
      const connection = proxy.last;
      connection.hold("answer");
      const calls = Array.from({ length: 100 }, (_, index) => call(bucket, `key${index}`));
      await pause(50);
      connection.cut();
      await Promise.all(calls);
      expect(proxy.counts.connections - before).toBe(1);
    });

    test("goes silent: a read loses one attempt, not the whole call", async () => {
      const proxy = await startProxy();
      const [bucket] = await through(proxy, way);
      proxy.last.hold("answer");
      expect(text(await bucket.get("warm", { timeout: 1_500 }))).toBe("up");
      // The next call does not use the silent connection.
      expect(text(await bucket.get("warm", { timeout: 300 }))).toBe("up");
    });

    test("delays a write: the old write never overwrites a newer one", async () => {
      const proxy = await startProxy();
      const [bucket, direct] = await through(proxy, way);
      const connection = proxy.last;
      connection.hold("request");
      await bucket.set("key", bytes("old"), { timeout: 1_500 });
      expect(connection.waiting("request")).toBeGreaterThan(0);
      await direct.set("key", bytes("newer"));
      connection.release("request");
      await pause(100);
      expect(text(await direct.get("key"))).toBe("newer");
    });

    test("delays a cancelled write: the old write never overwrites the next one", async () => {
      const proxy = await startProxy();
      const [bucket, direct] = await through(proxy, way);
      const connection = proxy.last;
      connection.hold("request");
      const controller = new AbortController();
      const call = batchRejection(bucket.set("key", bytes("old"), { signal: controller.signal }));
      await pause(30);
      controller.abort();
      expect((await call).outcomeOf(0)).toBe("unknown");
      // The store loses the connection while the proxy still holds the bytes of the write.
      connection.client.destroy();
      await pause(30);
      await bucket.set("key", bytes("newer"));
      connection.release("request");
      await pause(100);
      expect(text(await direct.get("key"))).toBe("newer");
    });

    test("delays a cancelled write of a store that closes: the old write never overwrites that of another client", async () => {
      const proxy = await startProxy();
      const name = randomName();
      const [, direct] = await through(proxy, way, name);
      await using store = redisStore({ url: proxy.url("redis://localhost") });
      const bucket = await store.open(name);
      await bucket.get("warm");
      const connection = proxy.last;
      connection.hold("request");
      const controller = new AbortController();
      const call = batchRejection(bucket.set("key", bytes("old"), { signal: controller.signal }));
      await expect.poll(() => connection.waiting("request")).toBeGreaterThan(0);
      controller.abort();
      await call;
      await store.close();
      await direct.set("key", bytes("newer"));
      connection.release("request");
      await pause(50);
      expect(text(await direct.get("key"))).toBe("newer");
    });

    test("delays a write while all other connections hang: the outcome is unknown at the deadline", async () => {
      const proxy = await startProxy();
      const [bucket] = await through(proxy, way);
      const stop = holdAll(proxy);
      const error = await batchRejection(bucket.set("key", bytes("old"), { timeout: 500 }));
      stop();
      // The code depends on whether the last attempt had enough time to detect that the server cannot be reached.
      expect(["timeout", "unavailable"]).toContain(error.code);
      expect(error.outcomeOf(0)).toBe("unknown");
    });

    test("is slow but works: the connection stays open, and waiting calls succeed", async () => {
      const proxy = await startProxy();
      const [bucket, direct] = await through(proxy, way);
      const connection = proxy.last;
      connection.hold("answer");
      const patient = bucket.get("warm");
      const hasty = rejection(bucket.get("warm", { timeout: 10 }));
      await pause(5);
      connection.release("answer");
      expect(text(await patient)).toBe("up");
      await hasty.catch(() => {});
      await bucket.set("again", bytes("over the same connection"));
      expect(proxy.connections.has(connection)).toBe(true);
      expect(connection.client.destroyed).toBe(false);
      expect(text(await direct.get("again"))).toBe("over the same connection");
    });

    test("is closed by the server: the next call opens another connection", async () => {
      const proxy = await startProxy();
      const [bucket] = await through(proxy, way);
      proxy.last.cut();
      await bucket.set("key", bytes("value"));
      expect(text(await bucket.get("key"))).toBe("value");
    });
  });
}

function holdAll(proxy: TcpProxy): () => void {
  const timer = setInterval(() => {
    for (const connection of proxy.connections) connection.hold("request");
  }, 1);
  for (const connection of proxy.connections) connection.hold("request");
  return () => clearInterval(timer);
}

test("a store whose user may not run CLIENT KILL recovers from a silent connection", async () => {
  await using redis = await startDedicatedRedis();
  const admin = new Redis(redis.port, redis.host);
  cleanups.push(() => admin.disconnect());
  await admin.call("ACL", "SETUSER", "modest", "on", ">pass", "~*", "+@all", "-client|kill", "-info", "-role");
  const proxy = await TcpProxy.start(redis);
  cleanups.push(() => proxy[Symbol.asyncDispose]());
  const options = { port: proxy.port, username: "modest", password: "pass" };
  const client = new Redis({ ...options, enableReadyCheck: false, lazyConnect: true });
  cleanups.push(() => client.disconnect());
  const url = proxy.url("redis://modest:pass@localhost");
  for (const way of [{ url }, { client }]) {
    const store = redisStore(way);
    cleanups.push(() => store.close());
    const bucket = await store.open("bucket");
    await bucket.set("key", bytes("first"));
    proxy.last.hold("answer");
    expect(text(await bucket.get("key", { timeout: 1_500 }))).toBe("first");
    proxy.last.hold("answer");
    await bucket.set("key", bytes("second"), { timeout: 1_500 });
    expect(text(await bucket.get("key"))).toBe("second");
    expect((await bucket.listKeys()).keys).toEqual(["key"]);
  }
});

describe("a server that restarts", () => {
  test("reuses connection ids, and the store kills no connection of another client", async () => {
    const redis = await startDedicatedRedis({ durable: true });
    cleanups.push(() => redis.stop());
    const proxy = await TcpProxy.start(redis);
    cleanups.push(() => proxy[Symbol.asyncDispose]());
    const store = redisStore({ url: proxy.url("redis://localhost") });
    cleanups.push(() => store.close());
    const bucket = await store.open("bucket");
    await bucket.set("key", bytes("first"));
    const connection = proxy.last;
    connection.hold("answer");
    const writing = bucket.set("key", bytes("second"), { timeout: 3_000 });
    await pause(50);
    await redis.restart();
    // Other clients connect and receive the same low ids.
    const others = Array.from({ length: 20 }, () => new Redis({ port: redis.port, retryStrategy: () => null }));
    cleanups.push(() => others.forEach((other) => void other.disconnect()));
    await Promise.all(others.map((other) => other.ping()));
    await writing;
    for (const other of others) expect(await other.ping()).toBe("PONG");
    expect(text(await bucket.get("key"))).toBe("second");
  });
});
