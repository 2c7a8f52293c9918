import { setTimeout as pause } from "node:timers/promises";
import type { Bucket } from "@manykv/core";
import { randomName, startDedicatedRedis } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Redis } from "ioredis";
import { afterEach, describe, expect, test } from "vitest";
import { redisStore } from "../src/index.js";
import { addressesOf } from "./support/addresses.js";
import { bytes, text } from "./support/bytes.js";
import { batchRejection, rejection } from "./support/rejection.js";
import { TcpProxy } from "./support/tcp-proxy.js";

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

/** A bucket that is reached through the proxy, over a connection that is open, and one that goes straight to it. */
async function through(proxy: TcpProxy, way: Way, name: string = randomName()): Promise<[Bucket, Bucket]> {
  const client = way === "client" ? hardyClient(proxy) : undefined;
  const store = redisStore(client === undefined ? { url: proxy.url } : { client });
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

/** A client that tries everything to get its commands through, sooner or later. */
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
    test("is cut with a write unanswered: the write is fenced, repeated and acknowledged", async () => {
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
      ["reads need one connection more", 1, (bucket: Bucket, key: string) => bucket.get(key)],
      // One to settle what was lost, and one to go on with.
      ["writes need two", 2, (bucket: Bucket, key: string) => bucket.set(key, bytes("new"))],
    ])("is cut with many calls unanswered: %s", async (_, needed, call) => {
      const proxy = await startProxy();
      const [bucket] = await through(proxy, way);
      const before = proxy.connections.length;
      const connection = proxy.last;
      connection.hold("answer");
      const calls = Array.from({ length: 100 }, (_, index) => call(bucket, `key${index}`));
      await pause(50);
      connection.cut();
      await Promise.all(calls);
      expect(proxy.connections.length - before).toBe(needed);
    });

    test("goes silent: a read costs one attempt, not the call", async () => {
      const proxy = await startProxy();
      const [bucket] = await through(proxy, way);
      proxy.last.hold("answer");
      expect(text(await bucket.get("warm", { timeout: 1_500 }))).toBe("up");
      // And the next call does not meet the silent connection at all.
      expect(text(await bucket.get("warm", { timeout: 300 }))).toBe("up");
    });

    test("holds a write back: it never lands on top of a newer one", async () => {
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

    test("holds back a write that was cancelled: it does not land on top of the next one", async () => {
      const proxy = await startProxy();
      const [bucket, direct] = await through(proxy, way);
      const connection = proxy.last;
      connection.hold("request");
      const controller = new AbortController();
      const call = batchRejection(bucket.set("key", bytes("old"), { signal: controller.signal }));
      await pause(30);
      controller.abort();
      expect((await call).outcomeOf(0)).toBe("unknown");
      // The connection is lost for this side, while its bytes are still under way.
      connection.client.destroy();
      await pause(30);
      await bucket.set("key", bytes("newer"));
      connection.release("request");
      await pause(100);
      expect(text(await direct.get("key"))).toBe("newer");
    });

    test("holds a write back and nothing gets through: the outcome is unknown by the deadline", async () => {
      const proxy = await startProxy();
      const [bucket] = await through(proxy, way);
      const stop = holdAll(proxy);
      const error = await batchRejection(bucket.set("key", bytes("old"), { timeout: 500 }));
      stop();
      // Of the last attempt there may have been time to learn that the server cannot be reached, or there may not.
      expect(["timeout", "unavailable"]).toContain(error.code);
      expect(error.outcomeOf(0)).toBe("unknown");
    });

    test("is slow but works: nothing is killed, and what waited on it is answered", async () => {
      const proxy = await startProxy();
      const [bucket, direct] = await through(proxy, way);
      const before = proxy.connections.length;
      const connection = proxy.last;
      connection.hold("answer");
      const patient = bucket.get("warm");
      const hasty = rejection(bucket.get("warm", { timeout: 10 }));
      await pause(5);
      connection.release("answer");
      expect(text(await patient)).toBe("up");
      await hasty.catch(() => {});
      await bucket.set("again", bytes("over the same connection"));
      expect(proxy.connections.indexOf(connection)).toBe(before - 1);
      expect(connection.client.destroyed).toBe(false);
      expect(text(await direct.get("again"))).toBe("over the same connection");
    });

    test("is killed by the server: what comes next goes over another", async () => {
      const proxy = await startProxy();
      const [bucket] = await through(proxy, way);
      proxy.last.cut();
      await bucket.set("key", bytes("value"));
      expect(text(await bucket.get("key"))).toBe("value");
    });
  });
}

function events(client: Redis): readonly number[] {
  return ["ready", "error", "end"].map((event) => client.listenerCount(event));
}

function holdAll(proxy: TcpProxy): () => void {
  const timer = setInterval(() => {
    for (const connection of proxy.connections) connection.hold("request");
  }, 1);
  for (const connection of proxy.connections) connection.hold("request");
  return () => clearInterval(timer);
}

describe("the caller's client", () => {
  test("does not send a command from its offline queue that was given up", async () => {
    const redis = await startDedicatedRedis({ durable: true });
    cleanups.push(() => redis.stop());
    const client = new Redis({
      port: redis.port,
      maxRetriesPerRequest: null,
      retryStrategy: () => 20,
      lazyConnect: true,
    });
    client.on("error", () => {});
    const store = redisStore({ client });
    cleanups.push(
      () => store.close(),
      () => client.disconnect(),
    );
    const bucket = await store.open("bucket");
    await bucket.set("key", bytes("first"));
    await redis.kill();
    const error = await batchRejection(bucket.set("key", bytes("given up"), { timeout: 400 }));
    expect(error.outcomeOf(0)).toBe("not-applied");
    await redis.restart();
    await client.ping();
    expect(text(await bucket.get("key"))).toBe("first");
  });

  test("does not send a command again after it reconnected", async () => {
    const proxy = await startProxy();
    const [bucket, direct] = await through(proxy, "client");
    for (let round = 0; round < 5; round++) {
      const connection = proxy.last;
      connection.hold("answer");
      const controller = new AbortController();
      const call = batchRejection(bucket.set("key", bytes("old"), { signal: controller.signal }));
      await pause(30);
      controller.abort();
      expect((await call).outcomeOf(0)).toBe("unknown");
      await direct.set("key", bytes("newer"));
      connection.cut();
      await bucket.get("warm");
      expect(text(await direct.get("key"))).toBe("newer");
    }
  });

  test("that resends refused commands after a reconnect does not resend ours", async () => {
    await using redis = await startDedicatedRedis();
    const admin = new Redis(redis.port, redis.host);
    cleanups.push(() => admin.disconnect());
    await admin.call("ACL", "SETUSER", "reader", "on", ">pass", "~*", "+@all", "-mset");
    const client = new Redis({
      port: redis.port,
      username: "reader",
      password: "pass",
      // NOPERM of our MSET alone.
      reconnectOnError: ({ message }) => (message.includes("mset") ? 2 : false),
      retryStrategy: () => 200,
    });
    client.on("error", () => {});
    const store = redisStore({ client });
    cleanups.push(
      () => store.close(),
      () => client.disconnect(),
    );
    const bucket = await store.open("bucket");
    const error = await batchRejection(bucket.set("key", bytes("old"), { timeout: 100 }));
    expect(error.outcomeOf(0)).not.toBe("applied");
    await admin.call("ACL", "SETUSER", "reader", "+mset");
    await admin.set("{}bucket:key", "newer");
    await client.ping();
    await pause(100);
    expect(await admin.get("{}bucket:key")).toBe("newer");
  });

  test("that does not resend leaves no call pending", async () => {
    const proxy = await startProxy();
    const client = new Redis({
      port: proxy.port,
      autoResendUnfulfilledCommands: false,
      retryStrategy: () => 20,
    });
    client.on("error", () => {});
    const store = redisStore({ client });
    cleanups.push(
      () => store.close(),
      () => client.disconnect(),
    );
    const bucket = await store.open(randomName());
    await bucket.set("key", bytes("value"));
    const connection = proxy.last;
    connection.hold("answer");
    const reading = bucket.get("key");
    await pause(30);
    connection.cut();
    expect(text(await reading)).toBe("value");
  });

  test("that was never connected is connected by the first call", async () => {
    const client = new Redis({ ...server, lazyConnect: true });
    const store = redisStore({ client });
    cleanups.push(
      () => store.close(),
      () => client.disconnect(),
    );
    expect(client.status).toBe("wait");
    expect(await (await store.open(randomName())).get("key")).toBeUndefined();
  });

  test("has few listeners, however many calls wait for it", async () => {
    const client = new Redis({ ...server, lazyConnect: true });
    const store = redisStore({ client });
    cleanups.push(
      () => store.close(),
      () => client.disconnect(),
    );
    const bucket = await store.open(randomName());
    const before = Math.max(...events(client));
    const calls = Array.from({ length: 20 }, (_, index) => bucket.get(`key${index}`));
    let waiting = 0;
    client.once("connect", () => {
      waiting = Math.max(...events(client));
    });
    await Promise.all(calls);
    expect(waiting).toBeGreaterThan(before);
    expect(waiting).toBeLessThan(5);
  });

  test("stays open when the store is closed", async () => {
    const client = new Redis(server);
    cleanups.push(() => client.disconnect());
    const store = redisStore({ client });
    await (await store.open(randomName())).get("key");
    await store.close();
    expect(await client.ping()).toBe("PONG");
    expect(client.listenerCount("error") + client.listenerCount("ready") + client.listenerCount("end")).toBe(
      0,
    );
  });

  test("that the caller closed is an error at once", async () => {
    const client = new Redis(server);
    await client.quit();
    const store = redisStore({ client });
    cleanups.push(() => store.close());
    const error = await rejection((await store.open(randomName())).get("key"));
    expect(error).toMatchObject({ code: "unavailable", retryable: false });
  });

  test("keeps its other commands in step with their replies", async () => {
    const proxy = await startProxy();
    const [bucket] = await through(proxy, "url");
    const client = hardyClient(proxy);
    cleanups.push(() => client.disconnect());
    const store = redisStore({ client });
    cleanups.push(() => store.close());
    const own = await store.open(bucket.name);
    for (let round = 0; round < 20; round++) {
      const mixed = [
        client.echo(`a${round}`),
        own.setMany([["x", bytes(`${round}`)]]),
        client.echo(`b${round}`),
        own.exists("x"),
        client.echo(`c${round}`),
      ];
      const cut = round % 3 === 0;
      if (cut) setImmediate(() => proxy.last.cut());
      const results = await Promise.allSettled(mixed);
      const echoed = [results[0], results[2], results[4]].flatMap((result) =>
        result?.status === "fulfilled" ? [result.value] : [],
      );
      const said = [`a${round}`, `b${round}`, `c${round}`];
      expect(said.filter((word) => echoed.includes(word))).toEqual(echoed);
      if (!cut) expect(echoed).toEqual(said);
      expect(text(await own.get("x"))).toBe(`${round}`);
    }
  });
});

test("a user who may not kill clients gets over a silent connection all the same", async () => {
  await using redis = await startDedicatedRedis();
  const admin = new Redis(redis.port, redis.host);
  cleanups.push(() => admin.disconnect());
  await admin.call(
    "ACL",
    "SETUSER",
    "modest",
    "on",
    ">pass",
    "~*",
    "+@all",
    "-client|kill",
    "-info",
    "-role",
  );
  const proxy = await TcpProxy.start(redis);
  cleanups.push(() => proxy[Symbol.asyncDispose]());
  const options = { port: proxy.port, username: "modest", password: "pass" };
  const client = new Redis({ ...options, enableReadyCheck: false, lazyConnect: true });
  cleanups.push(() => client.disconnect());
  const url = proxy.url.replace("redis://", "redis://modest:pass@");
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

describe("a server that starts again", () => {
  test("gives the numbers of its connections anew: nobody else's is ended", async () => {
    const redis = await startDedicatedRedis({ durable: true });
    cleanups.push(() => redis.stop());
    const proxy = await TcpProxy.start(redis);
    cleanups.push(() => proxy[Symbol.asyncDispose]());
    const store = redisStore({ url: proxy.url });
    cleanups.push(() => store.close());
    const bucket = await store.open("bucket");
    await bucket.set("key", bytes("first"));
    const connection = proxy.last;
    connection.hold("answer");
    const writing = bucket.set("key", bytes("second"), { timeout: 3_000 });
    await pause(50);
    await redis.restart();
    // Others connect and get the low numbers.
    const others = Array.from(
      { length: 20 },
      () => new Redis({ port: redis.port, retryStrategy: () => null }),
    );
    cleanups.push(() => others.forEach((other) => void other.disconnect()));
    await Promise.all(others.map((other) => other.ping()));
    await writing;
    for (const other of others) expect(await other.ping()).toBe("PONG");
    expect(text(await bucket.get("key"))).toBe("second");
  });
});
