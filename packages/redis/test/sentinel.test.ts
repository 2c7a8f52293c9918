import { setTimeout as pause } from "node:timers/promises";
import { startDedicatedRedis } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Redis } from "ioredis";
import { afterEach, expect, test, vi } from "vitest";
import { type RedisStoreOptions, redisStore } from "../src/index.js";
import { addressesOf } from "./support/addresses.js";
import { bytes, text } from "./support/bytes.js";
import { FakeSentinel } from "./support/fake-sentinel.js";
import { batchRejection, expectNoSecret, rejection } from "./support/rejection.js";

// Failovers of real sentinels are in packages/deployments.

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startRedis(...args: string[]) {
  const redis = await startDedicatedRedis({ args });
  const admin = new Redis({ port: redis.port });
  cleanups.push(
    () => redis.stop(),
    () => admin.disconnect(),
  );
  return { host: redis.host, port: redis.port, admin };
}

async function startSentinel(master?: { host: string; port: number }, epoch = 1): Promise<FakeSentinel> {
  const sentinel = await FakeSentinel.start(master && { ...master, epoch });
  cleanups.push(() => sentinel[Symbol.asyncDispose]());
  return sentinel;
}

async function bucketOf(options: RedisStoreOptions) {
  const store = redisStore(options);
  cleanups.push(() => store.close());
  return store.open("bucket");
}

function urlOf(sentinels: readonly FakeSentinel[], rest = "/main"): string {
  return `redis+sentinel://${sentinels.map(({ address }) => address).join(",")}${rest}`;
}

const [shared] = addressesOf(serviceUrl("redis")) as [{ host: string; port: number }];

test("the store uses the master of the latest failover if the sentinels disagree", async () => {
  const [old, current] = [await startRedis(), await startRedis()];
  const sentinels = [await startSentinel(old, 3), await startSentinel(current, 4), await startSentinel(old, 3)];
  const bucket = await bucketOf({ url: urlOf(sentinels, "/main/2") });
  await bucket.set("key", bytes("value"));
  await current.admin.select(2);
  expect(await current.admin.get("{}bucket:key")).toBe("value");
  expect(await old.admin.info("keyspace")).not.toContain("db");
});

test("the store works if some sentinels are down or silent", async () => {
  const down = await FakeSentinel.start();
  const silent = await startSentinel();
  silent.silent = true;
  const sentinels = [down, silent, await startSentinel(shared)];
  const url = urlOf(sentinels);
  await down[Symbol.asyncDispose]();
  const bucket = await bucketOf({ url });
  expect(await bucket.get("missing")).toBeUndefined();
});

test("after a failover, the store stops writing to the old master although it still accepts writes", async () => {
  const [old, next] = [await startRedis(), await startRedis()];
  const sentinels = [await startSentinel(old), await startSentinel(old)];
  const bucket = await bucketOf({ url: urlOf(sentinels) });
  await bucket.set("key", bytes("old"));
  await vi.waitFor(() => expect(sentinels.map(({ subscribers }) => subscribers)).toEqual([1, 1]));
  sentinels[1]?.switchTo({ ...next, epoch: 2 });
  await vi.waitFor(async () => {
    await bucket.set("key", bytes("new"));
    expect(await next.admin.get("{}bucket:key")).toBe("new");
  });
  await bucket.set("key", bytes("last"));
  expect(await next.admin.get("{}bucket:key")).toBe("last");
  expect(await old.admin.get("{}bucket:key")).not.toBe("last");
  // Only the connection of this test is left.
  expect(((await old.admin.client("LIST")) as string).trim().split("\n")).toHaveLength(1);
});

test("the store waits while the server that the sentinels name is a replica", async () => {
  const [master, replica] = [await startRedis(), await startRedis()];
  await replica.admin.call("REPLICAOF", master.host, master.port);
  const sentinel = await startSentinel(replica);
  const hasty = await bucketOf({ url: urlOf([sentinel]), retry: { attempts: 1 } });
  const error = await batchRejection(hasty.set("key", bytes("value")));
  expect(error).toMatchObject({ code: "unavailable", retryable: true, reason: "READONLY" });
  const patient = await bucketOf({ url: urlOf([sentinel]) });
  const write = patient.set("key", bytes("value"));
  sentinel.switchTo({ ...master, epoch: 2 });
  await write;
  expect(await master.admin.get("{}bucket:key")).toBe("value");
});

test.each<[string, { url: string } | Omit<RedisStoreOptions, "url">]>([
  ["in the URL", { url: "?sentinel_password=canary" }],
  ["from a function", { sentinelCredentials: async () => ({ password: "canary" }) }],
])("the store sends the sentinels' own password: %s", async (_, options) => {
  const sentinel = await startSentinel(shared);
  sentinel.password = "canary";
  const { url: parameters = "", ...rest } = { url: undefined, ...options };
  const bucket = await bucketOf({ url: urlOf([sentinel], `/main${parameters}`), ...rest });
  expect(await bucket.get("missing")).toBeUndefined();
});

test.each<[string, (sentinel: FakeSentinel) => string, object]>([
  ["an unknown service", (sentinel) => urlOf([sentinel], "/other"), { code: "no-such-store" }],
  [
    "a sentinel that requires a password",
    (sentinel) => {
      sentinel.password = "right";
      return urlOf([sentinel]);
    },
    { code: "access-denied", reason: expect.stringContaining("sentinel_password") },
  ],
  [
    "a wrong password for the sentinels",
    (sentinel) => {
      sentinel.password = "right";
      return urlOf([sentinel], "/main?sentinel_password=canary");
    },
    { code: "access-denied", reason: "WRONGPASS" },
  ],
  [
    "a server instead of a sentinel",
    () => `redis+sentinel://${shared.host}:${shared.port}/main`,
    { code: "unavailable", reason: expect.stringContaining("redis://") },
  ],
])("a call fails at the first attempt for %s", async (_, url, expected) => {
  const sentinel = await startSentinel(shared);
  const bucket = await bucketOf({ url: url(sentinel), timeout: 60_000 });
  const error = await batchRejection(bucket.set("key", bytes("value")));
  expect(error).toMatchObject({ ...expected, retryable: false });
  expect(error.outcomeOf(0)).toBe("not-applied");
  expectNoSecret(error, "canary");
});

test("a call to sentinels that cannot be reached is retried until its deadline", async () => {
  const sentinel = await FakeSentinel.start();
  const url = urlOf([sentinel, sentinel]);
  await sentinel[Symbol.asyncDispose]();
  const error = await rejection((await bucketOf({ url, timeout: 500 })).get("key"));
  expect(error).toMatchObject({ code: "unavailable", retryable: true, reason: "ECONNREFUSED" });
});

test("close() ends the connections to the sentinels", async () => {
  const sentinels = [await startSentinel(shared), await startSentinel(shared)];
  const store = redisStore({ url: urlOf(sentinels) });
  await store.provision();
  await vi.waitFor(() => expect(sentinels.map(({ connections }) => connections)).toEqual([1, 1]));
  await store.close();
  await vi.waitFor(() => expect(sentinels.map(({ connections }) => connections)).toEqual([0, 0]));
  await pause(1_200);
  expect(sentinels.map(({ connections }) => connections)).toEqual([0, 0]);
});

test("the store subscribes again after a sentinel restarts, and notices a failover that it missed", async () => {
  const [old, next] = [await startRedis(), await startRedis()];
  const [first, second] = [await startSentinel(old), await startSentinel(old)];
  const bucket = await bucketOf({ url: urlOf([first, second]) });
  await bucket.set("key", bytes("old"));
  await vi.waitFor(() => expect(first.subscribers).toBe(1));
  second.dropSubscribers();
  second.master = { ...next, epoch: 2 };
  await vi.waitFor(
    async () => {
      await bucket.set("key", bytes("new"));
      expect(await next.admin.get("{}bucket:key")).toBe("new");
    },
    { timeout: 10_000 },
  );
});

test("the store works without permission to subscribe, does not ask again, and describe() says what is missing", async () => {
  const [old, next] = [await startRedis(), await startRedis()];
  const sentinel = await startSentinel(old);
  sentinel.permitsSubscribe = false;
  const store = redisStore({ url: urlOf([sentinel]) });
  cleanups.push(() => store.close());
  const bucket = await store.open("bucket");
  await bucket.set("key", bytes("old"));
  await vi.waitFor(() => expect(sentinel.subscriptions).toBe(1));
  await vi.waitFor(() => expect(sentinel.connections).toBe(0));
  const finding = (await store.describe()).findings.find(({ code }) => code === "cannot-subscribe");
  expect(finding?.message).toContain("Permit SUBSCRIBE");
  await pause(1_500);
  expect(sentinel.subscriptions).toBe(1);
  sentinel.switchTo({ ...next, epoch: 2 });
  await old.admin.call("REPLICAOF", next.host, next.port);
  await bucket.set("key", bytes("new"));
  expect(await next.admin.get("{}bucket:key")).toBe("new");
});

test("the store takes over the sentinels of an ioredis client", async () => {
  const redis = await startRedis();
  await redis.admin.call("ACL", "SETUSER", "user", "on", ">secret", "~*", "+@all");
  const sentinel = await startSentinel({ host: "10.255.255.1", port: 1 });
  sentinel.password = "canary";
  const [host, port] = sentinel.address.split(":") as [string, string];
  const client = new Redis({
    sentinels: [{ host, port: Number(port) }],
    sentinelPassword: "canary",
    name: "main",
    natMap: { "10.255.255.1:1": { host: redis.host, port: redis.port } },
    username: "user",
    password: "secret",
    db: 1,
    lazyConnect: true,
  });
  const bucket = await bucketOf({ client });
  await bucket.set("key", bytes("value"));
  expect(text(await bucket.get("key"))).toBe("value");
  await redis.admin.select(1);
  expect(await redis.admin.get("{}bucket:key")).toBe("value");
});
