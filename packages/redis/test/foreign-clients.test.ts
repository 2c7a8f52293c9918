import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { randomName, startDedicatedRedis } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { AbstractConnector, Cluster, Redis } from "ioredis";
import * as ioredis5 from "ioredis5";
import * as iovalkey from "iovalkey";
import * as redis5 from "redis5";
import * as redis6 from "redis6";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type RedisDriverOptions, redisDriver, redisStore } from "../src/index.js";
import { addressesOf } from "./support/addresses.js";
import { bytes, text } from "./support/bytes.js";
import { expectNoSecret, rejection } from "./support/rejection.js";

type Client = Pick<RedisDriverOptions, "client" | "nodeRedis">;
type Ioredis = NonNullable<Client["client"]>;
type NodeRedis = NonNullable<Client["nodeRedis"]>;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const nodes = addressesOf(serviceUrl("redis-cluster"));

/** Starts a server on which only a user with a password may write, and only to database 2. */
async function startServer() {
  const redis = await startDedicatedRedis({ password: "main" });
  const admin = new Redis({ port: redis.port, password: "main", db: 2 });
  cleanups.push(
    () => redis.stop(),
    () => admin.disconnect(),
  );
  await admin.call("ACL", "SETUSER", "user", "on", ">secret", "~*", "+@all");
  return { port: redis.port, admin };
}

async function writesThrough(client: Client, name: string) {
  const store = redisStore(client);
  const bucket = await store.open(name);
  await bucket.setMany([
    ["a", bytes("1")],
    ["b", bytes("2")],
    ["c", bytes("3")],
  ]);
  expect((await bucket.getMany(["a", "b", "d"])).map((entry) => text(entry?.[1]))).toEqual(["1", "2", undefined]);
  await store.close();
}

function quiet<Each extends { on(event: "error", listener: () => void): unknown }>(client: Each): Each {
  client.on("error", () => {});
  return client;
}

describe("a store takes over the settings of a single client of", () => {
  const settings = { username: "user", password: "secret" };
  test.each<[string, (port: number) => { client: Client; end: () => unknown }]>([
    ["ioredis 6", (port) => ioredisClient(new Redis({ ...settings, port, db: 2, connectionName: "mine" }))],
    ["ioredis 5", (port) => ioredisClient(new ioredis5.Redis({ ...settings, port, db: 2, connectionName: "mine" }))],
    ["iovalkey", (port) => ioredisClient(new iovalkey.Redis({ ...settings, port, db: 2, connectionName: "mine" }))],
    [
      "node-redis 5",
      (port) => nodeRedisClient(redis5.createClient({ ...settings, socket: { port }, database: 2, name: "mine" })),
    ],
    [
      "node-redis 5 by URL",
      (port) => nodeRedisClient(redis5.createClient({ url: `redis://user:secret@localhost:${port}/2`, name: "mine" })),
    ],
    [
      "node-redis 6",
      (port) => nodeRedisClient(redis6.createClient({ ...settings, socket: { port }, database: 2, name: "mine" })),
    ],
    [
      "node-redis 6 with a provider of credentials",
      (port) =>
        nodeRedisClient(
          redis6.createClient({
            credentialsProvider: { type: "async-credentials-provider", credentials: async () => settings },
            socket: { port },
            database: 2,
            name: "mine",
          }),
        ),
    ],
    [
      "node-redis 6 with a stream of credentials",
      (port) =>
        nodeRedisClient(
          redis6.createClient({
            credentialsProvider: {
              type: "streaming-credentials-provider",
              subscribe: async () => [settings, { dispose: () => {} }],
              onReAuthenticationError: () => {},
            },
            socket: { port },
            database: 2,
            name: "mine",
          }),
        ),
    ],
  ])("%s", async (_, create) => {
    const { port, admin } = await startServer();
    const { client, end } = create(port);
    cleanups.push(end);
    const store = redisStore(client);
    cleanups.push(() => store.close());
    const bucket = await store.open("bucket");
    await bucket.set("key", bytes("value"));
    expect(await admin.get("{}bucket:key")).toBe("value");
    expect(await admin.client("LIST")).toMatch(/ name=mine .* user=user /);
  });
});

describe("a store takes over the settings of a cluster client of", () => {
  const [first] = nodes as [{ host: string; port: number }];
  test.each<[string, () => { client: Client; end: () => unknown }]>([
    ["ioredis 6", () => ioredisClient(new Cluster([first]))],
    ["ioredis 5", () => ioredisClient(new ioredis5.Cluster([first]))],
    ["iovalkey", () => ioredisClient(new iovalkey.Cluster([first]))],
    ["node-redis 5", () => nodeRedisClient(redis5.createCluster({ rootNodes: [{ socket: { ...first } }] }))],
    [
      "node-redis 6",
      () => nodeRedisClient(redis6.createCluster({ rootNodes: [{ url: `redis://${first.host}:${first.port}` }] })),
    ],
    [
      "node-redis 6 with an address map",
      () =>
        nodeRedisClient(
          redis6.createCluster({
            rootNodes: [{ socket: { ...first } }],
            nodeAddressMap: (address) => ({ host: "localhost", port: Number(address.split(":")[1]) }),
          }),
        ),
    ],
  ])("%s", async (_, create) => {
    const { client, end } = create();
    cleanups.push(end);
    await writesThrough(client, randomName());
  });
});

function ioredisClient(client: Ioredis & { disconnect(): void; on(event: "error", listener: () => void): unknown }) {
  quiet(client);
  return { client: { client }, end: () => client.disconnect() };
}

function nodeRedisClient(client: NodeRedis & { on(event: "error", listener: () => void): unknown }) {
  quiet(client);
  return { client: { nodeRedis: client }, end: () => {} };
}

describe("a store works with a client that is", () => {
  test.each<[string, (client: Redis) => Ioredis]>([
    ["a Proxy", (client) => new Proxy(client, {})],
    ["a Proxy that binds methods", (client) => new Proxy(client, { get: bound })],
    ["an object with the client as prototype", (client) => Object.create(client)],
    [
      "frozen, with its options",
      (client) => {
        Object.freeze(client.options);
        return Object.freeze(client);
      },
    ],
    ["of a subclass", (client) => Reflect.construct(class extends Redis {}, [client.options])],
  ])("%s", async (_, wrap) => {
    const { port, admin } = await startServer();
    const inner = new Redis({ port, username: "user", password: "secret", db: 2, lazyConnect: true });
    await writesThrough({ client: wrap(inner) }, "bucket");
    expect(await admin.get("{}bucket:a")).toBe("1");
  });

  test("open, with a password that the program changes later", async () => {
    const { port, admin } = await startServer();
    const client = new Redis({ port, username: "user", password: "old", lazyConnect: true });
    client.options.password = "secret";
    const store = redisStore({ client });
    cleanups.push(() => store.close());
    const bucket = await store.open("bucket");
    await bucket.set("key", bytes("value"));
    await admin.call("ACL", "SETUSER", "user", "resetpass", ">newer");
    await admin.call("CLIENT", "KILL", "USER", "user");
    client.options.password = "newer";
    expect(text(await bucket.get("key"))).toBe("value");
  });

  test("a Proxy around a client of node-redis", async () => {
    const { port, admin } = await startServer();
    const inner = redis6.createClient({ username: "user", password: "secret", socket: { port }, database: 2 });
    await writesThrough({ nodeRedis: new Proxy(inner, {}) }, "bucket");
    expect(await admin.get("{}bucket:a")).toBe("1");
  });
});

function bound(target: Redis, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name);
  return typeof value === "function" ? value.bind(target) : value;
}

describe("a store refuses by name", () => {
  const lazy = { lazyConnect: true } as const;
  const throwing = new Proxy(new Redis(lazy), {
    get() {
      throw new Error("canary");
    },
  });
  test.each<[string, () => unknown, RegExp]>([
    ["a keyPrefix of ioredis 6", () => new Redis({ ...lazy, keyPrefix: "canary" }), /keyPrefix/],
    ["a keyPrefix of ioredis 5", () => new ioredis5.Redis({ ...lazy, keyPrefix: "canary" }), /keyPrefix/],
    ["a keyPrefix of a Cluster", () => new Cluster([], { ...lazy, keyPrefix: "canary" }), /keyPrefix/],
    [
      "a keyPrefix of a Cluster's nodes",
      () => new Cluster([], { ...lazy, redisOptions: { keyPrefix: "canary" } }),
      /keyPrefix/,
    ],
    ["a keyPrefix of node-redis", () => redis6.createClient({ keyPrefix: "canary" }), /keyPrefix/],
    [
      "a keyPrefix of a node-redis cluster",
      () => redis6.createCluster({ rootNodes: [], keyPrefix: "canary" }),
      /keyPrefix/,
    ],
    [
      "the role of a replica",
      () => new Redis({ ...lazy, sentinels: [{ host: "canary" }], name: "canary", role: "slave" }),
      /role/,
    ],
    [
      "a local address of node-redis",
      () => redis6.createClient({ socket: { localAddress: "canary" } }),
      /localAddress/,
    ],
    ["a pool of node-redis", () => redis6.createClientPool(), /hides its settings/],
    [
      "a sentinel client of node-redis",
      () => redis6.createSentinel({ name: "canary", sentinelRootNodes: [{ host: "canary", port: 1 }] }),
      /redis\+sentinel:/,
    ],
    ["a pipeline", () => new Redis(lazy).pipeline(), /ioredis 5 or 6/],
    ["a client that throws when it is inspected", () => throwing, /ioredis 5 or 6/],
    ["a class", () => Redis, /ioredis 5 or 6/],
    ["a URL", () => "redis://canary", /pass `url`/],
    ["an ioredis client as the client of node-redis", () => new Redis(lazy), /as `client`/],
    [
      "a connected client of another library",
      () => redis6.createClient({ url: "redis://:canary@host" }),
      /`nodeRedis`/,
    ],
    ["null as the client of node-redis", () => null, /`nodeRedis` must be/],
    [
      "a fake like ioredis-mock",
      () => ({ options: {}, status: "ready", isCluster: false, duplicate() {} }),
      /ioredis 5/,
    ],
    ["a Map", () => new Map(), /pass `url`/],
  ])("%s", (what, create, message) => {
    let error: unknown;
    try {
      const client = create();
      redisDriver(/node-redis/.test(what) ? { nodeRedis: client as NodeRedis } : { client: client as Ioredis });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: "invalid-argument", retryable: false });
    expect((error as Error).message).toMatch(message);
    expectNoSecret(error, "canary");
  });
});

test("a store reports the settings of a client that are wrong at the first attempt", async () => {
  const { port } = await startServer();
  const client = quiet(redis6.createClient({ password: "canary", socket: { port } }));
  const store = redisStore({ nodeRedis: client });
  cleanups.push(() => store.close());
  const error = await rejection((await store.open("bucket")).get("key"));
  expect(error).toMatchObject({ code: "access-denied", retryable: false, reason: "WRONGPASS" });
  expectNoSecret(error, "canary");
});

test.each<[what: string, duplicate: (client: Redis) => unknown]>([
  ["returns the client itself", (client) => client],
  ["ignores its options", (client) => Redis.prototype.duplicate.call(client)],
  ["returns nothing", () => undefined],
  [
    "throws",
    () => {
      throw new Error("canary");
    },
  ],
])("a client whose `duplicate` %s is refused, stays open and leaves no other client", async (_what, duplicate) => {
  const [address] = addressesOf(serviceUrl("redis"));
  const client = quiet(new Redis({ ...address, connectionName: "refused" }));
  const created: unknown[] = [];
  vi.spyOn(client, "duplicate").mockImplementation(() => {
    const copy = duplicate(client);
    if (copy instanceof Redis && copy !== client) created.push(copy);
    return copy as Redis;
  });
  const store = redisStore({ client });
  const error = await rejection((await store.open("bucket")).get("key"));
  expect(error).toMatchObject({ code: "invalid-argument", retryable: false });
  expect(error.message).toContain("`duplicate`");
  expectNoSecret(error, "canary");
  await store.close();
  expect(await client.ping()).toBe("PONG");
  expect(client.listenerCount("error")).toBe(1);
  for (const copy of created) await expect.poll(() => (copy as Redis).status, { timeout: 20_000 }).toBe("end");
  client.disconnect();
});

describe.each([
  ["ioredis 6", Redis],
  ["ioredis 5", ioredis5.Redis],
  ["iovalkey", iovalkey.Redis],
])("with a connector of %s", (_, Client) => {
  const [{ host, port }] = addressesOf(serviceUrl("redis")) as [{ host: string; port: number }];

  function clientWith(connect: () => unknown): Ioredis {
    class Connector extends AbstractConnector {
      constructor() {
        super(100);
      }

      override async connect() {
        return (await connect()) as Socket;
      }
    }
    return quiet(new (Client as typeof Redis)({ lazyConnect: true, Connector }));
  }

  test("that delivers a stream that is not a socket, a store works", async () => {
    const connector = async () => {
      const socket = connect(port, host);
      await once(socket, "connect");
      return Duplex.from({ readable: socket, writable: socket });
    };
    await writesThrough({ client: clientWith(connector) }, randomName());
  });

  test.each<[string, () => unknown, object]>([
    [
      "delivers nothing",
      () => undefined,
      { code: "invalid-argument", retryable: false, reason: expect.stringContaining("Connector") },
    ],
    [
      "throws",
      () => {
        throw Object.assign(new Error("canary"), { code: "EACCES" });
      },
      { code: "unavailable", reason: "EACCES" },
    ],
    ["never settles", () => new Promise(() => {}), { code: "unavailable", reason: "ETIMEDOUT" }],
    ["delivers a stream too late", () => pause(300).then(() => connect(port, host)), { reason: "ETIMEDOUT" }],
    [
      "delivers a stream that emits several errors",
      () => {
        const socket = connect(port, host);
        socket.once("connect", () => {
          for (let each = 0; each < 3; each++) socket.emit("error", new Error("canary"));
        });
        return socket;
      },
      { code: "unavailable", retryable: true },
    ],
  ])("that %s, a call fails", async (__, connector, expected) => {
    const store = redisStore({ client: clientWith(connector), connectTimeout: 100, retry: { attempts: 1 } });
    cleanups.push(() => store.close());
    const error = await rejection((await store.open("bucket")).get("key"));
    expect(error).toMatchObject(expected);
    expectNoSecret(error, "canary");
    await pause(300);
  });
});

test.each<[string, () => Promise<number>, object, object]>([
  ["a wrong password", async () => (await startServer()).port, { password: "canary" }, { code: "access-denied" }],
  ["no password", async () => (await startServer()).port, {}, { code: "access-denied", reason: "NOAUTH" }],
  [
    "the address of a single server",
    async () => addressesOf(serviceUrl("redis"))[0]?.port ?? 0,
    {},
    { code: "unavailable", reason: expect.stringContaining("redis://") },
  ],
])("a store reports at the first attempt that a Cluster has %s", async (_, start, redisOptions, expected) => {
  const host = "127.0.0.1";
  const client = quiet(new Cluster([{ host, port: await start() }], { redisOptions, lazyConnect: true }));
  cleanups.push(() => client.disconnect());
  const store = redisStore({ client, timeout: 60_000 });
  cleanups.push(() => store.close());
  const error = await rejection((await store.open("bucket")).get("key"));
  expect(error).toMatchObject({ ...expected, retryable: false });
  expectNoSecret(error, "canary");
});

test("without ioredis, a call fails at the first attempt and says what to install", async () => {
  const program = fileURLToPath(new URL("./support/without-ioredis.mjs", import.meta.url));
  const child = spawn(process.execPath, [program, new URL("../dist/index.js", import.meta.url).href]);
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk;
  });
  await once(child, "close");
  expect(output).toBe("unavailable false ioredis is not installed: npm install ioredis\n");
});

test("a store does not connect or change a client of node-redis", async () => {
  const { port } = await startServer();
  const client = quiet(redis6.createClient({ username: "user", password: "secret", socket: { port } }));
  await writesThrough({ nodeRedis: client }, "bucket");
  expect(client.isOpen).toBe(false);
  await client.connect();
  await writesThrough({ nodeRedis: client }, "bucket");
  expect(client.isReady).toBe(true);
  const closed = once(client, "end");
  client.destroy();
  await closed.catch(() => {});
  await writesThrough({ nodeRedis: client }, "bucket");
});
