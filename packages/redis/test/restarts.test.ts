import { setTimeout as pause } from "node:timers/promises";
import { Random } from "@manykv/conformance/faults";
import { BatchError } from "@manykv/core";
import { manners, RespProxy, startDedicatedRedis, startDedicatedRedisCluster } from "@manykv/test-services";
import { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { checksum, slotOfKey } from "../src/cluster/key-slot.js";
import { redisStore } from "../src/index.js";
import { bucketPrefix } from "../src/key-names.js";
import { alternate } from "./support/alternate.js";
import { bytes } from "./support/bytes.js";
import { ClusterAdmin } from "./support/cluster-admin.js";
import { rejection } from "./support/rejection.js";

/** Listings with restarts. A campaign runs more: `RESTART_RUNS=500 npx vitest run --project redis restarts`. */
const runs = Number(process.env["RESTART_RUNS"] ?? 8);

describe("a server without a run id", () => {
  test(
    "that restarts during a listing: the listing misses no key",
    async () => {
      await using redis = await startDedicatedRedis({ durable: true });
      await using proxy = await RespProxy.start(redis, manners.noRunId);
      await using store = redisStore({ url: proxy.url, timeout: 30_000 });
      const bucket = await store.open("bucket");
      const keys = Array.from({ length: 6_000 }, (_, index) => `key${index}`);
      await bucket.setMany(keys.map((key) => [key, bytes("")]));
      let restarts = 0;
      for (let seed = 1; seed <= runs; seed++) {
        const random = new Random(seed);
        const listed = new Set<string>();
        const at = random.integer(1, 4);
        let cursor: string | undefined;
        for (let page = 1; ; page++) {
          const restart = page === at ? pause(random.integer(0, 3)).then(() => redis.restart()) : undefined;
          if (restart !== undefined && random.chance(0.5)) await restart;
          const answer = await bucket.listKeys({ cursor });
          await restart;
          if (restart !== undefined) restarts++;
          for (const key of answer.keys) listed.add(key);
          cursor = answer.cursor;
          if (cursor === undefined) break;
        }
        expect(listed.size, `seed ${seed}`).toBe(keys.length);
      }
      expect(restarts).toBeGreaterThan(runs / 2);
    },
    60_000 + runs * 5_000,
  );

  test("fails a listing that alternates between two clients, and says what to do", async () => {
    await using redis = await startDedicatedRedis();
    await using proxy = await RespProxy.start(redis, manners.noRunId);
    await using first = redisStore({ url: proxy.url });
    await using second = redisStore({ url: proxy.url });
    const buckets = [await first.open("bucket"), await second.open("bucket")] as const;
    await buckets[0].setMany(Array.from({ length: 4_000 }, (_, index) => [`key${index}`, bytes("")]));
    const error = await rejection(alternate(buckets));
    expect(error).toMatchObject({ code: "unavailable", retryable: false });
    expect(error.message).toContain("the same client");
  });

  test("receives a cursor only over the connection that returned it", async () => {
    await using redis = await startDedicatedRedis({ durable: true });
    await using proxy = await RespProxy.start(redis, manners.upstash);
    await using store = redisStore({ url: proxy.url });
    const bucket = await store.open("bucket");
    await bucket.setMany(Array.from({ length: 4_000 }, (_, index) => [`key${index}`, bytes("")]));
    const { cursor } = await bucket.listKeys();
    expect(cursor).toBeDefined();
    proxy.cut();
    await bucket.listKeys({ cursor });
    expect(proxy.commands.filter((command) => command.startsWith("SCAN 0 ")).length).toBe(2);
  });
});

test.each(["noRunId", "kvrocks", "dragonfly"] as const)(
  "a server without a run id (%s) that restarts gives ids to other clients, and the store kills none of them",
  async (name) => {
    await using redis = await startDedicatedRedis({ durable: true });
    let held = 0;
    await using proxy = await RespProxy.start(redis, (command, connection) =>
      command[0] === "SET" && ++held === 2 ? "hold" : manners[name](command, connection),
    );
    await using store = redisStore({ url: proxy.url });
    const bucket = await store.open("bucket");
    await bucket.set("key", bytes("first"));
    const controller = new AbortController();
    const cancelled = bucket.set("key", bytes("second"), { signal: controller.signal }).catch(() => {});
    await expect.poll(() => held).toBe(2);
    controller.abort();
    await cancelled;
    await redis.restart();
    const others = Array.from({ length: 20 }, () => new Redis(redis.port, { retryStrategy: () => null }));
    await Promise.all(others.map((other) => other.ping()));
    proxy.cut();
    await bucket.set("key", bytes("third"));
    for (const other of others) expect(await other.ping()).toBe("PONG");
    for (const other of others) other.disconnect();
  },
);

test("however often connections are lost, the store kills only those with a write that was not answered", async () => {
  await using redis = await startDedicatedRedis();
  let held = 0;
  await using proxy = await RespProxy.start(redis);
  await using store = redisStore({ url: proxy.url });
  const bucket = await store.open("bucket");
  await bucket.set("key", bytes("first"));
  proxy.manner = ([command, subcommand, , id]) => {
    if (command === "SET") return ++held === 1 ? "hold" : undefined;
    return subcommand === "KILL" && (id?.length ?? 0) < 10 ? "hang-up" : undefined;
  };
  const calls = Array.from({ length: 30 }, (_, index) =>
    bucket.set("key", bytes(`${index}`), { timeout: 300 }).catch(() => {}),
  );
  await expect.poll(() => held).toBe(1);
  for (let round = 0; round < 30; round++) {
    proxy.cut();
    await pause(5);
  }
  await Promise.all(calls);
  proxy.manner = () => undefined;
  await bucket.set("key", bytes("last"));
  proxy.release();
  const killed = new Set(proxy.commands.filter((command) => /^CLIENT KILL ID \d{1,9}$/.test(command)));
  expect(killed.size).toBeLessThanOrEqual(2);
});

describe("a server that restarts during a write", () => {
  /** Writes many keys while the server restarts. Returns whether keys are missing, and how the write ended. */
  async function interrupted(proxyOf: "redis" | "no run id", durable: boolean) {
    await using redis = await startDedicatedRedis({ durable });
    await using proxy = await RespProxy.start(redis, proxyOf === "redis" ? () => undefined : manners.noRunId);
    await using store = redisStore({ url: proxy.url, timeout: 30_000 });
    const bucket = await store.open("bucket");
    const keys = Array.from({ length: 40_000 }, (_, index) => `key${index}`);
    let sets = 0;
    let restarting: Promise<void> | undefined;
    const manner = proxy.manner;
    proxy.manner = (command, connection) => {
      if (command[0] === "MSET" && ++sets === 8) restarting = redis.restart();
      return manner(command, connection);
    };
    const error: unknown = await bucket.setMany(keys.map((key) => [key, bytes("v")])).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    await restarting;
    const found = await bucket.getMany(keys);
    return { error, missing: found.flatMap((entry, index) => (entry === undefined ? [index] : [])) };
  }

  test.each(["redis", "no run id"] as const)(
    "without its data: what it may have lost is unknown (%s)",
    async (kind) => {
      const { error, missing } = await interrupted(kind, false);
      expect(missing.length).toBeGreaterThan(0);
      if (!BatchError.is(error)) throw new Error("the write must reject with a BatchError");
      expect(error).toMatchObject({ code: "connection-lost", reason: "the server restarted during the call" });
      for (const index of missing) expect(error.outcomeOf(index)).not.toBe("applied");
    },
  );

  test("with its data: no key is reported wrongly", async () => {
    const { error, missing } = await interrupted("redis", true);
    for (const index of missing) expect(BatchError.is(error) && error.outcomeOf(index)).not.toBe("applied");
  });
});

test("a server that loses its data as a replica during a write, without a restart: the lost keys are unknown", async () => {
  await using redis = await startDedicatedRedis();
  await using empty = await startDedicatedRedis();
  await using store = redisStore({ url: redis.url, timeout: 60_000, requestLimits: { maxKeys: 500 }, concurrency: 1 });
  const bucket = await store.open("bucket");
  const admin = new Redis(redis.url);
  const keys = Array.from({ length: 60_000 }, (_, index) => `key${index}`);
  const writing = bucket.setMany(keys.map((key) => [key, bytes("v")])).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  await expect.poll(() => admin.dbsize(), { interval: 1, timeout: 20_000 }).toBeGreaterThan(1_000);
  await admin.replicaof(empty.host, empty.port);
  await expect.poll(() => admin.info("replication"), { timeout: 20_000 }).toContain("master_link_status:up");
  await admin.replicaof("NO", "ONE");
  const error = await writing;
  admin.disconnect();
  if (!BatchError.is(error)) throw new Error("the write must reject with a BatchError");
  const missing = (await bucket.getMany(keys)).flatMap((entry, index) => (entry === undefined ? [index] : []));
  expect(missing.length).toBeGreaterThan(0);
  for (const index of missing) expect(error.outcomeOf(index)).not.toBe("applied");
});

describe("a cluster whose master restarts without its data during a write", () => {
  test("makes only the keys of this master unknown", async () => {
    await using cluster = await startDedicatedRedisCluster({ nodeTimeout: 60_000 });
    await using store = redisStore({
      url: cluster.url,
      timeout: 60_000,
      requestLimits: { maxKeys: 500 },
      concurrency: 1,
    });
    const bucket = await store.open("bucket");
    const admin = await ClusterAdmin.connect(cluster.nodes);
    const [master] = await admin.masters();
    const node = cluster.nodes.find(({ port }) => port === master?.port);
    if (master === undefined || node === undefined) throw new Error("the cluster must have a master");
    const ownerOf = await admin.owners();
    const start = checksum(Buffer.from(bucketPrefix("bucket")));
    const keys = Array.from({ length: 60_000 }, (_, index) => `key${index}`);
    const writing = bucket.setMany(keys.map((key) => [key, bytes("v")])).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    await expect.poll(async () => admin.calls(master, "set")).toBeGreaterThan(1_000);
    // With its nodes file, the master keeps its slots, but not its keys.
    await node.restart();
    const error = await writing;
    if (!BatchError.is(error)) throw new Error("the write must reject with a BatchError");
    expect(error.counts.unknown).toBeGreaterThan(0);
    for (const { index, outcome } of error.failures()) {
      expect(outcome).toBe("unknown");
      expect(ownerOf(slotOfKey(start, keys[index] as string))).toBe(master);
    }
    const found = await bucket.getMany(keys);
    found.forEach((entry, index) => {
      if (entry === undefined) expect(error.outcomeOf(index)).toBe("unknown");
    });
    await admin[Symbol.asyncDispose]();
  });
});

describe("a cluster failover during a write, while the old master remains reachable", () => {
  test("makes the keys that this master acknowledged unknown, because it may not have passed them on", async () => {
    await using cluster = await startDedicatedRedisCluster({ nodeTimeout: 60_000 });
    await using store = redisStore({
      url: cluster.url,
      timeout: 60_000,
      requestLimits: { maxKeys: 500 },
      concurrency: 1,
    });
    const bucket = await store.open("bucket");
    await using admin = await ClusterAdmin.connect(cluster.nodes);
    const [replica] = await admin.replicas();
    const master = replica && (await admin.masterOf(replica));
    if (master === undefined) throw new Error("the cluster must have a replica and its master");
    const ownerOf = await admin.owners();
    const start = checksum(Buffer.from(bucketPrefix("bucket")));
    const keys = Array.from({ length: 60_000 }, (_, index) => `key${index}`);
    await bucket.set("first", bytes("v"));
    // The replica cannot log in again, so it misses the following writes. The store's connection stays open.
    await master.redis.config("SET", "requirepass", "secret");
    await master.redis.call("CLIENT", "KILL", "TYPE", "replica");
    const before = await admin.calls(master, "set");
    const writing = bucket.setMany(keys.map((key) => [key, bytes("v")])).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    await expect.poll(() => admin.calls(master, "set"), { interval: 5 }).toBeGreaterThan(before + 1_000);
    await replica?.redis.call("CLUSTER", "FAILOVER", "TAKEOVER");
    const error = await writing;
    await master.redis.config("SET", "requirepass", "");
    if (!BatchError.is(error)) throw new Error("the write must reject with a BatchError");
    expect(error.counts.unknown).toBeGreaterThan(0);
    for (const { index, outcome } of error.failures()) {
      expect(outcome).toBe("unknown");
      expect(ownerOf(slotOfKey(start, keys[index] as string))).toBe(master);
    }
    const missing = (await bucket.getMany(keys)).flatMap((entry, index) => (entry === undefined ? [index] : []));
    expect(missing.length).toBeGreaterThan(0);
    for (const index of missing) expect(error.outcomeOf(index)).toBe("unknown");
  });
});
