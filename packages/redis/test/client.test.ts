import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { TcpProxy } from "@manykv/conformance/faults";
import { randomName, startDedicatedRedis } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { AbstractConnector, Cluster, Redis, type RedisOptions } from "ioredis";
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

function clientWith(options: RedisOptions): Redis {
  const client = new Redis({ ...options, replyMapping: "legacy" });
  client.on("error", () => {});
  cleanups.push(() => client.disconnect());
  return client;
}

async function bucketOf(client: Redis | Cluster, name: string = randomName()) {
  const store = redisStore({ client });
  cleanups.push(() => store.close());
  return store.open(name);
}

async function adminOf(redis: { readonly host: string; readonly port: number }): Promise<Redis> {
  return clientWith({ host: redis.host, port: redis.port });
}

/** Returns the state of a client that a store must not change: the status and the number of listeners per event. */
function stateOf(client: Redis | Cluster): unknown {
  const events = ["ready", "error", "end", "close", "connect"].map((event) => client.listenerCount(event));
  return { status: client.status, events };
}

describe("the store", () => {
  test("uses the client's user, password, database and connection name", async () => {
    const redis = await startDedicatedRedis();
    cleanups.push(() => redis.stop());
    const admin = await adminOf(redis);
    await admin.call("ACL", "SETUSER", "writer", "on", ">pass", "~*", "+@all");
    const { host, port } = redis;
    const options = { username: "writer", password: "pass", db: 3, connectionName: "named" };
    const bucket = await bucketOf(clientWith({ host, port, ...options, lazyConnect: true }), "bucket");
    await bucket.set("key", bytes("value"));
    expect(await admin.call("CLIENT", "LIST")).toMatch(/ name=named .* db=3 .* user=writer /);
    await admin.select(3);
    expect(await admin.get("{}bucket:key")).toBe("value");
  });

  test("uses the client's connector", async () => {
    let connected = 0;
    class CountingConnector extends AbstractConnector {
      constructor() {
        super(2_000);
      }

      override connect(): Promise<Socket> {
        connected++;
        const stream = connect(server);
        this.stream = stream;
        return Promise.resolve(stream);
      }
    }
    const bucket = await bucketOf(clientWith({ port: 1, Connector: CountingConnector, lazyConnect: true }));
    expect(await bucket.get("key")).toBeUndefined();
    expect(connected).toBe(1);
  });

  test("uses the client's Sentinels to find the master", async () => {
    const asked: string[] = [];
    const sentinel = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", (request: Buffer) => {
        asked.push(`${request}`);
        const port = `${server.port}`;
        // Any other command, such as CLIENT or SENTINEL SENTINELS, returns an empty array.
        for (const command of `${request}`.split(/(?=\*\d)/)) {
          const isQuestion = /get-master-addr-by-name/i.test(command);
          const address = `*2\r\n$${server.host.length}\r\n${server.host}\r\n$${port.length}\r\n${port}\r\n`;
          socket.write(isQuestion ? address : /hello/i.test(command) ? "-NOPROTO no\r\n" : "*0\r\n");
        }
      });
    }).listen(0, "127.0.0.1");
    await once(sentinel, "listening");
    cleanups.push(() => sentinel.close());
    const { port } = sentinel.address() as AddressInfo;
    const sentinels = [{ host: "127.0.0.1", port }];
    const bucket = await bucketOf(clientWith({ sentinels, name: "primary", lazyConnect: true }));
    await bucket.set("key", bytes("value"));
    expect(text(await bucket.get("key"))).toBe("value");
    expect(asked.join()).toContain("primary");
  });

  test("uses the client's options even after the client is closed", async () => {
    const client = clientWith(server);
    await client.quit();
    const bucket = await bucketOf(client);
    expect(await bucket.get("key")).toBeUndefined();
  });
});

describe("a client", () => {
  test("that is not connected stays unconnected", async () => {
    const client = clientWith({ ...server, lazyConnect: true });
    const bucket = await bucketOf(client);
    const before = stateOf(client);
    await Promise.all(Array.from({ length: 20 }, (_, index) => bucket.get(`key${index}`)));
    expect(client.status).toBe("wait");
    expect(stateOf(client)).toEqual(before);
  });

  test("that is connected carries no command of the store and stays open when the store closes", async () => {
    const client = clientWith(server);
    await client.ping();
    const before = stateOf(client);
    const { bytesWritten } = client.stream;
    const store = redisStore({ client });
    const bucket = await store.open(randomName());
    await bucket.setMany([["key", bytes("value")]]);
    expect(text(await bucket.get("key"))).toBe("value");
    await bucket.delete("key");
    await store.provision();
    await store.close();
    expect(client.stream.bytesWritten).toBe(bytesWritten);
    expect(stateOf(client)).toEqual(before);
    expect(await client.ping()).toBe("PONG");
  });

  test("is not affected when the store's connection is lost", async () => {
    const proxy = await TcpProxy.start(server);
    cleanups.push(() => proxy[Symbol.asyncDispose]());
    const client = clientWith({ host: "127.0.0.1", port: proxy.port });
    await client.ping();
    const bucket = await bucketOf(client);
    await bucket.set("key", bytes("value"));
    const { stream } = client;
    for (let round = 0; round < 5; round++) {
      const echoed = client.echo(`${round}`);
      const writing = bucket.set("key", bytes(`${round}`));
      proxy.last.cut();
      await writing;
      expect(await echoed).toBe(`${round}`);
      expect(text(await bucket.get("key"))).toBe(`${round}`);
    }
    expect(client.stream).toBe(stream);
  });

  test("of a cluster keeps no listener of the store and stays open when the store closes", async () => {
    const client = new Cluster(addressesOf(serviceUrl("redis-cluster")).map((address) => ({ ...address })));
    cleanups.push(() => client.disconnect());
    await client.ping();
    const before = stateOf(client);
    const store = redisStore({ client });
    const bucket = await store.open(randomName());
    await bucket.setMany([["key", bytes("value")]]);
    expect(text(await bucket.get("key"))).toBe("value");
    await bucket.delete("key");
    await store.close();
    expect(stateOf(client)).toEqual(before);
    expect(await client.ping()).toBe("PONG");
  });

  test("of a cluster makes calls fail with a permanent error if the client is closed", async () => {
    const client = new Cluster(addressesOf(serviceUrl("redis-cluster")).map((address) => ({ ...address })));
    await client.ping();
    await client.quit();
    const error = await rejection((await bucketOf(client)).get("key"));
    expect(error).toMatchObject({ code: "unavailable", retryable: false });
  });
});

describe("the store ignores a client's setting:", () => {
  test("with an offline queue, a write that timed out is not sent later", async () => {
    const redis = await startDedicatedRedis({ durable: true });
    cleanups.push(() => redis.stop());
    const client = clientWith({
      port: redis.port,
      maxRetriesPerRequest: null,
      retryStrategy: () => 20,
      lazyConnect: true,
    });
    const bucket = await bucketOf(client, "bucket");
    await bucket.set("key", bytes("first"));
    await redis.kill();
    const error = await batchRejection(bucket.set("key", bytes("given up"), { timeout: 400 }));
    expect(error.outcomeOf(0)).toBe("not-applied");
    await redis.restart();
    await client.ping();
    expect(text(await bucket.get("key"))).toBe("first");
  });

  test("with autoResendUnfulfilledCommands, a cancelled write is not sent again", async () => {
    const proxy = await TcpProxy.start(server);
    cleanups.push(() => proxy[Symbol.asyncDispose]());
    const name = randomName();
    const options: RedisOptions = { autoResendUnfulfilledCommands: true, retryStrategy: () => 20, lazyConnect: true };
    const bucket = await bucketOf(clientWith({ host: "127.0.0.1", port: proxy.port, ...options }), name);
    const direct = await bucketOf(clientWith(server), name);
    await bucket.set("warm", bytes("up"));
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

  test("with reconnectOnError, a rejected write is not sent again", async () => {
    const redis = await startDedicatedRedis();
    cleanups.push(() => redis.stop());
    const admin = await adminOf(redis);
    await admin.call("ACL", "SETUSER", "reader", "on", ">pass", "~*", "+@all", "-set");
    const client = clientWith({
      port: redis.port,
      username: "reader",
      password: "pass",
      reconnectOnError: ({ message }) => (message.includes("set") ? 2 : false),
      retryStrategy: () => 200,
    });
    const bucket = await bucketOf(client, "bucket");
    const error = await batchRejection(bucket.set("key", bytes("old"), { timeout: 100 }));
    expect(error.outcomeOf(0)).not.toBe("applied");
    await admin.call("ACL", "SETUSER", "reader", "+set");
    await admin.set("{}bucket:key", "newer");
    await client.ping();
    await pause(100);
    expect(await admin.get("{}bucket:key")).toBe("newer");
  });

  test("with socketTimeout, an idle connection of the store stays open", async () => {
    const redis = await startDedicatedRedis({ password: "pass" });
    cleanups.push(() => redis.stop());
    const proxy = await TcpProxy.start(redis);
    cleanups.push(() => proxy[Symbol.asyncDispose]());
    const options = { port: proxy.port, password: "pass", socketTimeout: 50, lazyConnect: true };
    const bucket = await bucketOf(clientWith(options), "bucket");
    await bucket.set("key", bytes("value"));
    await pause(200);
    expect(text(await bucket.get("key"))).toBe("value");
    expect(proxy.counts.connections).toBe(1);
  });
});
