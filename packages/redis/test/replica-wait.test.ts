import { setTimeout as pause } from "node:timers/promises";
import { createStore } from "@manykv/core";
import { randomName, startDedicatedRedis } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { OwnNode } from "../src/connection/own-node.js";
import { redisStore, type WaitOptions } from "../src/index.js";
import { StandaloneDriver } from "../src/standalone/standalone-driver.js";
import { addressesOf } from "./support/addresses.js";
import { bytes, text } from "./support/bytes.js";
import { batchRejection } from "./support/rejection.js";
import { TcpProxy } from "./support/tcp-proxy.js";

const entries = Array.from({ length: 30 }, (_, index) => [`key${index}`, bytes(`value${index}`)] as const);
const keys = entries.map(([key]) => key);

test("writes wait for the replicas, in the same round trip", async () => {
  await using store = redisStore({ url: serviceUrl("redis-cluster"), wait: { replicas: 1, timeout: 5_000 } });
  const bucket = await store.open(randomName());
  await bucket.setMany(entries);
  const answers = await bucket.getMany(keys);
  expect(answers.map((answer) => text(answer?.[1]))).toEqual(entries.map(([, value]) => text(value)));
  await bucket.deleteMany(keys);
  expect(await bucket.getMany(keys)).toEqual(keys.map(() => undefined));
});

describe("too few replicas", () => {
  test.each([
    ["one server", "redis", { replicas: 1, timeout: 20 }],
    ["a cluster", "redis-cluster", { replicas: 2, timeout: 20 }],
  ] as const)(
    "on %s: unknown, as a failover may lose what the master alone has",
    async (_, service, wait) => {
      await using store = redisStore({ url: serviceUrl(service), wait, retry: { attempts: 1 } });
      const bucket = await store.open(randomName());
      const error = await batchRejection(bucket.setMany(entries));
      expect(error).toMatchObject({ code: "unavailable", retryable: true });
      expect(error.message).toContain("WAIT");
      expect(error.counts).toEqual({ applied: 0, "not-applied": 0, unknown: entries.length });
      // The master has it, and reads are not concerned.
      expect(text((await bucket.getMany(keys))[0]?.[1])).toBe("value0");
      expect((await batchRejection(bucket.deleteMany(keys))).counts.unknown).toBe(entries.length);
    },
  );
});

test.each([
  ["one server", "redis", { replicas: 1, timeout: 10_000 }],
  ["a cluster", "redis-cluster", { replicas: 2, timeout: 10_000 }],
] as const)("on %s a read does not wait for the replicas of a write", async (_, service, wait) => {
  const admins = addressesOf(serviceUrl(service)).map(({ host, port }) => new Redis(port, host));
  const blocked = async () => {
    const infos = await Promise.all(admins.map((admin) => admin.info("clients")));
    return infos.reduce((sum, info) => sum + Number(/blocked_clients:(\d+)/.exec(info)?.[1]), 0);
  };
  await using store = redisStore({ url: serviceUrl(service), wait, retry: { attempts: 1 } });
  const bucket = await store.open(randomName());
  const controller = new AbortController();
  const writing = batchRejection(bucket.set("key", bytes("value"), { signal: controller.signal }));
  while ((await blocked()) === 0) await pause(10);
  expect(text(await bucket.get("key", { timeout: Infinity }))).toBe("value");
  expect(await blocked()).toBe(1);
  controller.abort();
  expect((await writing).outcomeOf(0)).toBe("unknown");
  for (const admin of admins) admin.disconnect();
});

test("reads go to the server that writes went to, where another has taken over", async () => {
  await using before = await startDedicatedRedis();
  await using after = await startDedicatedRedis();
  const target = { host: before.host, port: before.port };
  await using proxy = await TcpProxy.start(target);
  const open = () => new OwnNode({ host: "127.0.0.1", port: proxy.port }, 3_000, () => {});
  await using store = createStore(new StandaloneDriver(open(), open(), undefined));
  const bucket = await store.open("bucket");
  await bucket.set("key", bytes("old"));
  expect(text(await bucket.get("key"))).toBe("old");

  // A replica from now on, cut off from its master, and still there for those who are connected to it.
  const admin = new Redis(before.port, before.host);
  await admin.replicaof("127.0.0.1", 1);
  target.host = after.host;
  target.port = after.port;
  await bucket.set("key", bytes("new"));
  expect(text(await bucket.get("key"))).toBe("new");
  admin.disconnect();
});

test.each([{ replicas: 0 }, { replicas: 1.5 }, { replicas: 1, timeout: 0 }, {}, null, 1])(
  "%j is refused",
  (wait) => {
    const open = () => redisStore({ url: "redis://localhost", wait: wait as WaitOptions });
    expect(open).toThrow(
      expect.objectContaining({ code: "invalid-argument", message: expect.stringMatching(/^wait/) }),
    );
  },
);
