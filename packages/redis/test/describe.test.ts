import type { Finding, StoreDescription } from "@manykv/core";
import {
  type DedicatedRedis,
  info,
  type Manner,
  RespProxy,
  startDedicatedRedis,
  startDedicatedRedisCluster,
  together,
  without,
} from "@manykv/test-services";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { redisStore } from "../src/index.js";
import { rejection } from "./support/rejection.js";

/** A server without findings. */
let redis: DedicatedRedis;
beforeAll(async () => {
  redis = await startDedicatedRedis({ durable: true });
});
afterAll(() => redis.stop());

async function described(url: string): Promise<StoreDescription> {
  await using store = redisStore({ url, timeout: 20_000 });
  return await store.describe();
}

async function describedAs(manner: Manner): Promise<StoreDescription> {
  await using proxy = await RespProxy.start(redis, manner);
  return await described(proxy.url);
}

async function configured(...args: string[]): Promise<StoreDescription> {
  await using server = await startDedicatedRedis({ durable: true, args });
  return await described(server.url);
}

const severitiesOf = ({ findings }: StoreDescription): Record<string, Finding["severity"]> =>
  Object.fromEntries(findings.map(({ code, severity }) => [code, severity]));

describe("eviction", () => {
  test.each([
    ["allkeys-lru", "50mb", "data-loss", /deletes keys, because.*set it to noeviction/],
    ["volatile-ttl", "50mb", "warning", /deletes keys with a `ttl` before their time/],
    ["allkeys-lru", "0", "note", /deletes nothing while `maxmemory` is 0/],
    ["volatile-lfu", "0", "note", /deletes nothing while `maxmemory` is 0/],
  ])("by the policy %s with maxmemory %s is a finding of severity %s", async (policy, memory, severity, message) => {
    const { findings } = await configured("--maxmemory", memory, "--maxmemory-policy", policy);
    expect(findings).toEqual([{ code: "evicts-keys", severity, message: expect.stringMatching(message) }]);
  });
});

describe("persistence", () => {
  test.each([
    [["--appendonly", "no"], { "no-persistence": "data-loss" }],
    [["--appendonly", "no", "--save", "3600 1"], { "snapshots-only": "warning" }],
    [["--appendfsync", "everysec"], { "delayed-fsync": "note" }],
    [["--appendfsync", "no"], { "delayed-fsync": "warning" }],
  ] as const)("with %j has the findings %j", async (args, expected) => {
    expect(severitiesOf(await configured(...args))).toEqual(expected);
  });

  test("of a master without it is not replaced by replicas, which would copy its empty data", async () => {
    await using master = await startDedicatedRedis();
    await using replica = await startDedicatedRedis({ args: ["--replicaof", `${master.host} ${master.port}`] });
    await using admin = new AdminClient(replica);
    await expect.poll(() => admin.redis.info("replication"), { timeout: 60_000 }).toContain("master_link_status:up");
    const { findings } = await described(master.url);
    expect(findings).toEqual([
      {
        code: "no-persistence",
        severity: "data-loss",
        message: expect.stringContaining("its replica copies the empty"),
      },
    ]);
  });

  test.each([
    [{ aof_last_write_status: "err" }, /The last write to the append-only file failed/],
    [{ aof_enabled: "0", rdb_last_bgsave_status: "err" }, /The last snapshot failed/],
  ])("that fails is a finding: INFO contains %j", async (fields, message) => {
    // Without a setting `save`, the server would count as one without persistence.
    const saving: Manner = ([command, , name]) =>
      command === "CONFIG" && name === "save" ? "*2\r\n$4\r\nsave\r\n$6\r\n3600 1\r\n" : undefined;
    const { findings } = await describedAs(together(saving, info(fields)));
    expect(findings).toEqual([
      { code: "persistence-fails", severity: "data-loss", message: expect.stringMatching(message) },
    ]);
  });
});

describe("a server that does not report its settings", () => {
  test.each([
    ["CONFIG", without("CONFIG"), /does not report `appendfsync`:/],
    [
      "CONFIG, and has no append-only file",
      together(without("CONFIG"), info({ aof_enabled: "0" })),
      /does not report `save`:/,
    ],
    [
      "memory and persistence in INFO",
      info({ aof_enabled: undefined, maxmemory_policy: undefined }),
      /does not report `maxmemory-policy`, `appendonly`/,
    ],
  ])("because it refuses %s has a note and no alarm", async (_, manner, message) => {
    const { findings } = await describedAs(manner);
    expect(findings).toEqual([{ code: "settings-unknown", severity: "note", message: expect.stringMatching(message) }]);
  });

  test("because the user may not read them has notes and no alarm about its settings", async () => {
    await using admin = new AdminClient(redis);
    const rules = ["~*", "+@all", "-config", "-info"];
    await admin.redis.call("ACL", "SETUSER", "uninformed", "on", ">pass", ...rules);
    expect(severitiesOf(await described(`redis://uninformed:pass@${redis.host}:${redis.port}`))).toEqual({
      "no-run-id": "note",
      "settings-unknown": "note",
    });
  });
});

test("a replica is described although the store does not use it", async () => {
  await using master = await startDedicatedRedis({ durable: true });
  await using replica = await startDedicatedRedis({ args: ["--replicaof", `${master.host} ${master.port}`] });
  const description = await described(replica.url);
  expect(description).toMatchObject({ product: "redis", topology: "single", abilities: { settlesLostWrites: true } });
  expect(description.version).toMatch(/^\d+\.\d+\.\d+$/);
  expect(description.findings).toEqual([
    { code: "replica", severity: "warning", message: expect.stringContaining("connect to its master") },
  ]);
  expect(severitiesOf(await described(master.url))).toEqual({});
});

test("a sentinel and a cluster node are not described, and the error says which URL to use", async () => {
  for (const [mode, scheme] of [
    ["sentinel", "redis+sentinel://"],
    ["cluster", "redis+cluster://"],
  ]) {
    const error = await rejection(describedAs(info({ redis_mode: mode })));
    expect(error).toMatchObject({ code: "unavailable", retryable: false });
    expect(error.message).toContain(scheme);
  }
});

test("the findings of a cluster are those of all masters, each with its highest severity, and uncovered slots", async () => {
  await using cluster = await startDedicatedRedisCluster({ durable: true });
  expect(severitiesOf(await described(cluster.url))).toEqual({});
  const masters: AdminClient[] = [];
  for (const node of cluster.nodes) {
    const admin = new AdminClient(node);
    if (/^role:master/m.test(await admin.redis.info("replication"))) masters.push(admin);
    else await admin[Symbol.asyncDispose]();
  }
  for (const [index, { redis: master }] of masters.entries()) {
    await master.config("SET", "maxmemory-policy", "allkeys-lru");
    if (index === 0) await master.config("SET", "maxmemory", "100mb");
  }
  expect(severitiesOf(await described(cluster.url))).toEqual({ "evicts-keys": "data-loss" });

  // Every node must forget the owner of the slot, or the others would soon tell it again.
  for (const node of cluster.nodes) {
    await using admin = new AdminClient(node);
    await admin.redis.config("SET", "cluster-require-full-coverage", "no");
    await admin.redis.call("CLUSTER", "DELSLOTS", "0").catch(() => {});
  }
  await expect
    .poll(async () => (await described(cluster.url)).findings, { timeout: 60_000 })
    .toContainEqual({
      code: "uncovered-slots",
      severity: "warning",
      message: expect.stringContaining("No master serves 1 of the 16,384 slots"),
    });
  for (const master of masters) await master[Symbol.asyncDispose]();
});

/** A client with which tests configure a server. */
class AdminClient implements AsyncDisposable {
  readonly redis: Redis;

  constructor({ host, port }: { readonly host: string; readonly port: number }) {
    this.redis = new Redis({ host, port });
    this.redis.on("error", () => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.redis.disconnect();
  }
}
