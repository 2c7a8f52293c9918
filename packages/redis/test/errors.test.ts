import { setTimeout as pause } from "node:timers/promises";
import type { Bucket, StoreOptions } from "@manykv/core";
import { startDedicatedRedis, startDedicatedRedisCluster } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Cluster, Redis } from "ioredis";
import { afterEach, describe, expect, test } from "vitest";
import { faultOfReply } from "../src/error-table.js";
import { redisStore } from "../src/index.js";
import { addressesOf } from "./support/addresses.js";
import { bytes, text } from "./support/bytes.js";
import { batchRejection, expectNoSecret, rejection } from "./support/rejection.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const once: StoreOptions = { retry: { attempts: 1 } };

async function startRedis(...args: string[]): Promise<{ readonly url: string; readonly admin: Redis }> {
  const redis = await startDedicatedRedis({ args });
  const admin = new Redis(redis.port, redis.host, { retryStrategy: () => null });
  admin.on("error", () => {});
  cleanups.push(
    () => redis.stop(),
    () => admin.disconnect(),
  );
  return { url: redis.url, admin };
}

async function usedMemory(admin: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await admin.info("memory"))?.[1]);
}

function withUser(url: string, user: string, password: string): string {
  return url.replace("redis://", `redis://${user}:${password}@`);
}

async function bucketAt(url: string, options: StoreOptions = once): Promise<Bucket> {
  const store = redisStore({ url, ...options });
  cleanups.push(() => store.close());
  return store.open("bucket");
}

describe("an error of Redis", () => {
  test("OOM: a write is throttled while memory is full, and deletes free memory", async () => {
    const { url, admin } = await startRedis("--maxmemory-policy", "noeviction");
    const bucket = await bucketAt(url);
    await bucket.set("before", bytes("there"));
    await admin.set("filler", Buffer.alloc(10_000_000));
    await admin.config("SET", "maxmemory", (await usedMemory(admin)) - 1_000_000);
    const error = await batchRejection(
      bucket.setMany([
        ["a", bytes("1")],
        ["b", bytes("2")],
      ]),
    );
    expect(error).toMatchObject({ tag: "other", code: "throttled", retryable: true });
    expect(error.message).toContain("OOM");
    expect(error.counts).toEqual({ applied: 0, "not-applied": 2, unknown: 0 });
    // Reads and deletes still work, and deletes free memory.
    expect(text(await bucket.get("before"))).toBe("there");
    await admin.del("filler");
    await bucket.set("a", bytes("1"));
  });

  test("NOPERM: a batch is rejected as a whole if the user may not write one of its keys", async () => {
    const { url, admin } = await startRedis();
    await admin.call("ACL", "SETUSER", "limited", "on", ">canary-password", "~{}bucket:a*", "+@all");
    const bucket = await bucketAt(withUser(url, "limited", "canary-password"));
    await bucket.set("a1", bytes("fine"));
    const error = await batchRejection(
      bucket.setMany([
        ["a2", bytes("canary-value")],
        ["b", bytes("2")],
      ]),
    );
    expect(error).toMatchObject({ tag: "access-denied", code: "access-denied", retryable: false });
    expect(error.counts).toEqual({ applied: 0, "not-applied": 2, unknown: 0 });
    expectNoSecret(error, "canary");
    await expect(rejection(bucket.getMany(["a1", "b"]))).resolves.toMatchObject({ code: "access-denied" });
    expect(await admin.exists("{}bucket:a2")).toBe(0);
  });

  test("WRONGPASS and NOAUTH: the call fails quickly, and the error contains no secret", async () => {
    const redis = await startDedicatedRedis({ password: "right" });
    cleanups.push(() => redis.stop());
    const { host, port } = redis;
    for (const url of [
      `redis://:canary-password@${host}:${port}`,
      `redis://canary-user:canary-password@${host}:${port}`,
      `redis://${host}:${port}`,
    ]) {
      const bucket = await bucketAt(url, {});
      const start = performance.now();
      const reading = await rejection(bucket.get("key"));
      const writing = await batchRejection(bucket.set("key", bytes("canary-value")));
      expect(performance.now() - start).toBeLessThan(5_000);
      for (const error of [reading, writing]) {
        expect(error).toMatchObject({ tag: "access-denied", code: "access-denied", retryable: false });
        expectNoSecret(error, "canary");
      }
      expect(writing.outcomeOf(0)).toBe("not-applied");
    }
    const client = new Redis({ host, port, password: "canary-password" });
    client.on("error", () => {});
    const store = redisStore({ client });
    cleanups.push(
      () => store.close(),
      () => client.disconnect(),
    );
    const error = await rejection((await store.open("bucket")).get("key"));
    expect(error.code).toBe("access-denied");
    expectNoSecret(error, "canary");
    await expect(rejection(store.provision())).resolves.toMatchObject({ code: "access-denied" });
  });

  test.each(["get", "set", "incrby"])(
    "NOPERM: a script that the user may not run to its end writes nothing: -%s",
    async (command) => {
      const redis = await startDedicatedRedis();
      cleanups.push(() => redis.stop());
      const admin = new Redis(redis.url);
      cleanups.push(() => admin.disconnect());
      await admin.call("ACL", "SETUSER", "limited", "on", ">pass", "~*", "+@all", `-${command}`);
      await admin.set("{}bucket:old", "1");
      const bucket = await bucketAt(redis.url.replace("//", "//limited:pass@"));
      const denied = { code: "access-denied", counts: { applied: 0, "not-applied": 1, unknown: 0 } };
      if (command !== "incrby")
        await expect(rejection(bucket.increment("new", 1, { ttl: 60_000 }))).resolves.toMatchObject(denied);
      if (command !== "set")
        await expect(rejection(bucket.increment("old", 1, { ttl: 60_000 }))).resolves.toMatchObject(denied);
      if (command !== "incrby") {
        const change = { expected: bytes("1"), value: bytes("2") };
        await expect(rejection(bucket.compareAndSwap("old", change))).resolves.toMatchObject(denied);
      }
      expect(await admin.keys("*")).toEqual(["{}bucket:old"]);
      expect(await admin.get("{}bucket:old")).toBe("1");
    },
  );

  test("READONLY: a server is unavailable while it is a replica", async () => {
    const { url, admin } = await startRedis();
    const master = await startDedicatedRedis();
    cleanups.push(() => master.stop());
    const bucket = await bucketAt(url);
    await bucket.set("key", bytes("before"));
    await admin.call("REPLICAOF", master.host, master.port);
    const error = await batchRejection(bucket.set("key", bytes("after")));
    expect(error).toMatchObject({ code: "unavailable", retryable: true });
    expect(error.outcomeOf(0)).toBe("not-applied");
    // The store does not read from a replica either.
    await expect(rejection(bucket.get("key"))).resolves.toMatchObject({ code: "unavailable" });
    // The replica becomes a master again while a call is waiting.
    setTimeout(() => void admin.call("REPLICAOF", "NO", "ONE"), 300);
    const patient = await bucketAt(url, {});
    await patient.set("key", bytes("after"));
    expect(text(await patient.get("key"))).toBe("after");
  });

  test("LOADING: a call waits until the server has loaded its data", async () => {
    const slowLoading = ["--key-load-delay", "500", "--loading-process-events-interval-bytes", "1024"];
    const redis = await startDedicatedRedis({ args: slowLoading });
    cleanups.push(() => redis.stop());
    const patient = await bucketAt(redis.url, {});
    const hasty = await bucketAt(redis.url);
    await patient.setMany(Array.from({ length: 2_000 }, (_, index) => [`key${index}`, new Uint8Array(100)]));
    const admin = new Redis(redis.port, redis.host);
    await admin.save();
    admin.disconnect();
    let restarted = false;
    const restarting = redis.restart().finally(() => {
      restarted = true;
    });
    for (let loading = false; !loading; ) {
      expect(restarted, "a call must fail with LOADING before the server has loaded its data").toBe(false);
      const [end] = await Promise.allSettled([hasty.get("key1")]);
      // Before the server shuts down, calls still succeed.
      if (end.status === "fulfilled") continue;
      expect(end.reason).toMatchObject({ retryable: true });
      loading = end.reason.message.includes("LOADING");
    }
    const writing = patient.set("key1", bytes("written after loading"));
    await restarting;
    await writing;
    expect(text(await patient.get("key1"))).toBe("written after loading");
    expect((await patient.get("key2"))?.length).toBe(100);
  });

  test("BUSY: a write is unavailable and not applied while a long script runs", async () => {
    const { url, admin } = await startRedis("--busy-reply-threshold", "10");
    const bucket = await bucketAt(url);
    await bucket.get("key");
    const killer = admin.duplicate();
    await killer.ping();
    const script = admin.call("EVAL", "while true do end", "0").catch(() => {});
    await pause(100);
    const error = await batchRejection(bucket.set("key", bytes("value")));
    expect(error).toMatchObject({ code: "unavailable", retryable: true });
    expect(error.message).toContain("BUSY");
    expect(error.outcomeOf(0)).toBe("not-applied");
    await killer.call("SCRIPT", "KILL");
    killer.disconnect();
    await script;
    await bucket.set("key", bytes("value"));
  });

  test("NOREPLICAS: a write is unavailable and not applied while too few replicas are connected", async () => {
    const { url } = await startRedis("--min-replicas-to-write", "1");
    const error = await batchRejection((await bucketAt(url)).set("key", bytes("value")));
    expect(error).toMatchObject({ code: "unavailable", retryable: true });
    expect(error.message).toContain("NOREPLICAS");
    expect(error.outcomeOf(0)).toBe("not-applied");
  });

  test("max number of clients: a write is unavailable and not applied while no connection is free", async () => {
    const { url, admin } = await startRedis("--maxclients", "2");
    await admin.ping();
    const other = admin.duplicate();
    cleanups.push(() => other.disconnect());
    await other.ping();
    const error = await batchRejection((await bucketAt(url)).set("key", bytes("value")));
    expect(error).toMatchObject({ code: "unavailable", retryable: true });
    // The server sends the reason and closes the connection immediately, so the reason may be lost.
    expect([undefined, "ERR", "ECONNRESET", "EPIPE"]).toContain(error.reason);
    expect(error.outcomeOf(0)).toBe("not-applied");
  });

  test("a database that does not exist is no-such-store, and nothing is written to another database", async () => {
    const { url, admin } = await startRedis("--databases", "4");
    const error = await batchRejection((await bucketAt(`${url}/4`)).set("key", bytes("value")));
    expect(error).toMatchObject({ tag: "no-such-store", code: "no-such-store", retryable: false });
    await (await bucketAt(`${url}/3`)).set("key", bytes("value"));
    expect(await admin.dbsize()).toBe(0);
    await admin.select(3);
    expect(await admin.keys("*")).toEqual(["{}bucket:key"]);
  });

  test("an unknown command is unsupported, and the write is not applied", async () => {
    const { url } = await startRedis("--rename-command", "SET", "");
    const error = await batchRejection((await bucketAt(url)).set("key", bytes("value")));
    expect(error).toMatchObject({ code: "unsupported", retryable: false });
    expect(error.outcomeOf(0)).toBe("not-applied");
  });
});

describe("a cluster", () => {
  test("reports each key separately if one node is out of memory", async () => {
    const cluster = await startDedicatedRedisCluster({ args: ["--maxmemory-policy", "noeviction"] });
    cleanups.push(() => cluster.stop());
    const [node] = cluster.nodes;
    const admin = new Redis(node?.port ?? 0, node?.host ?? "");
    cleanups.push(() => admin.disconnect());
    const bucket = await bucketAt(cluster.url);
    const entries = Array.from({ length: 200 }, (_, index) => [`key${index}`, bytes("value")] as const);
    await bucket.setMany(entries);
    await admin.config("SET", "maxmemory", (await usedMemory(admin)) - 100_000);
    const error = await batchRejection(bucket.setMany(entries));
    expect(error).toMatchObject({ code: "throttled", retryable: true });
    const { applied, "not-applied": refused, unknown } = error.counts;
    expect(refused).toBeGreaterThan(20);
    expect(applied).toBeGreaterThan(80);
    expect(unknown).toBe(0);
    await admin.config("SET", "maxmemory", 0);
  });

  test("the error table has an entry for each error reply that a test cannot provoke", () => {
    const unavailable = { code: "unavailable", retryable: true, effect: "none" };
    const replies = [
      "MISCONF Redis is configured to save RDB snapshots, but is unable to persist to disk.",
      "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
      "TRYAGAIN Multiple keys request during rehashing of slot",
      "ASK 3999 127.0.0.1:6381",
      "MOVED 3999 127.0.0.1:6381",
    ];
    for (const reply of replies) {
      const fault = faultOfReply(new Error(reply));
      expect(fault).toMatchObject(unavailable);
      expect(fault.reason ?? "").not.toMatch(/MOVED|ASK|TRYAGAIN/);
    }
    const [wrongType, noMemory, denied] = [
      "@user_script:1: WRONGTYPE Operation against a key holding the wrong kind of value",
      "@user_script: 1: @user_script: 1: -OOM command not allowed when used memory > 'maxmemory'.",
      "@user_script:1: @user_script: 1: The user executing the script can't run this command or subcommand",
    ].map((error) => faultOfReply(new Error(`ERR Error running script (call to f_00ff): ${error}`)));
    expect(wrongType).toMatchObject({ code: "wrong-type", effect: "none" });
    expect(noMemory).toMatchObject({ code: "throttled", effect: "none", reason: "OOM" });
    expect(denied).toMatchObject({ code: "access-denied", effect: "none" });
    for (const [reply, code] of [
      ["ERR max requests limit exceeded. Limit: 500000, Usage: 500000.", "throttled"],
      ["ERR max daily request limit exceeded. Limit: 10000, Usage: 10000.", "throttled"],
      ["ERR max request size exceeded. Limit: 1048576 bytes, Actual: 2000000 bytes", "too-large"],
      ["ERR max concurrent connections exceeded", "unavailable"],
    ] as const)
      expect(faultOfReply(new Error(reply))).toMatchObject({ code, effect: "none" });
    const long = new Error("ERR Protocol error: invalid bulk length");
    expect(faultOfReply(long)).toMatchObject({ code: "too-large", retryable: false, effect: "none" });
    // An unknown error may come from a proxy that has forwarded the command.
    expect(faultOfReply(new Error("ERR upstream timed out for key canary"))).toEqual({
      code: "internal",
      retryable: false,
      effect: "unknown",
      reason: "ERR",
    });
  });

  test("WRONGTYPE: a value that is not a string cannot be read, but can be replaced", async () => {
    const bucket = await bucketAt(serviceUrl("redis-cluster"));
    const client = new Cluster(addressesOf(serviceUrl("redis-cluster")).map((address) => ({ ...address })));
    cleanups.push(() => client.disconnect());
    await client.rpush("{}bucket:list", "item");
    const error = await rejection(bucket.getMany(["list", "other"]));
    expect(error).toMatchObject({ code: "wrong-type", retryable: false });
    // A write replaces the list.
    await bucket.set("list", bytes("value"));
    expect(text(await bucket.get("list"))).toBe("value");
    await bucket.delete("list");
  });

  test("CLUSTERDOWN: a batch is unavailable if a slot has no master", async () => {
    const cluster = await startDedicatedRedisCluster({ args: ["--cluster-require-full-coverage", "yes"] });
    cleanups.push(() => cluster.stop());
    const bucket = await bucketAt(cluster.url);
    await bucket.set("key", bytes("value"));
    const [node] = cluster.nodes;
    const admin = new Redis(node?.port ?? 0, node?.host ?? "");
    cleanups.push(() => admin.disconnect());
    const slots = (await admin.call("CLUSTER", "SLOTS")) as [number, number][];
    const [from] = slots[0] ?? [0];
    for (const { host, port } of cluster.nodes) {
      const each = new Redis(port, host);
      await each.call("CLUSTER", "DELSLOTS", from);
      each.disconnect();
    }
    await pause(500);
    const entries = Array.from({ length: 50 }, (_, index) => [`key${index}`, bytes("value")] as const);
    const error = await batchRejection(bucket.setMany(entries));
    expect(error).toMatchObject({ code: "unavailable", retryable: true });
    expect(error.counts.unknown).toBe(0);
    expect(error.message).not.toMatch(/MOVED|ASK|TRYAGAIN|CROSSSLOT/);
  });

  test("rejects a single server used as a cluster, and a cluster node used as a single server", async () => {
    const single = await bucketAt(serviceUrl("redis").replace("redis://", "redis+cluster://"));
    await expect(rejection(single.get("key"))).resolves.toMatchObject({
      code: "unavailable",
      retryable: false,
    });
    const [, nodes = ""] = serviceUrl("redis-cluster").split("//");
    const node = await bucketAt(`redis://${nodes.split(",")[0]}`);
    const error = await rejection(node.getMany(["a", "b", "c"]));
    expect(error).toMatchObject({ code: "unavailable", retryable: false });
    expect(error.message).not.toMatch(/MOVED|ASK|TRYAGAIN|CROSSSLOT/);
  });
});
