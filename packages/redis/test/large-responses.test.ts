import { randomName, startDedicatedRedis } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { redisStore } from "../src/index.js";
import { rejection } from "./support/rejection.js";

const mebibyte = 1_048_576;

describe.each(["redis", "redis-cluster"] as const)("%s", (service) => {
  test("a response over 96 MiB is requested again in parts", async () => {
    await using store = redisStore({ url: serviceUrl(service), timeout: 60_000 });
    const bucket = await store.open(randomName());
    const keys = Array.from({ length: 260 }, (_, index) => `key${index}`);
    const values = keys.map((_, index) => new Uint8Array(mebibyte).fill(index));
    await bucket.setMany(keys.map((key, index) => [key, values[index] as Uint8Array]));
    const found = await bucket.getMany(keys);
    expect(found.map((entry) => entry?.[1].length)).toEqual(values.map(({ length }) => length));
    expect(found.every((entry, index) => entry?.[1][77] === index % 256)).toBe(true);
    await bucket.deleteMany(keys);
  });
});

test("a response over the server's output buffer limit is requested again in parts", async () => {
  await using redis = await startDedicatedRedis({ args: ["--client-output-buffer-limit", "normal 4mb 0 0"] });
  await using store = redisStore({ url: redis.url });
  const bucket = await store.open("bucket");
  const keys = Array.from({ length: 60 }, (_, index) => `key${index}`);
  await bucket.setMany(keys.map((key) => [key, new Uint8Array(1_000_000).fill(1)]));
  expect((await bucket.getMany(keys)).filter((entry) => entry?.[1].length === 1_000_000).length).toBe(60);
  // One value that never fits fails without being requested until the deadline.
  await bucket.set("large", new Uint8Array(8_000_000));
  expect(await rejection(bucket.get("large"))).toMatchObject({ code: "connection-lost" });
});

test("a value over 64 MiB that another program stored is refused at once", async () => {
  await using redis = await startDedicatedRedis();
  const admin = new Redis(redis.url);
  await admin.set("{}bucket:large", Buffer.alloc(65 * mebibyte));
  await admin.set("{}bucket:small", "small");
  admin.disconnect();
  await using store = redisStore({ url: redis.url });
  const bucket = await store.open("bucket");
  const calls = [
    () => bucket.get("large"),
    () => bucket.getMany(["large"]),
    () => bucket.getMany(["small", "large", "none"]),
  ];
  for (const call of calls) expect(await rejection(call())).toMatchObject({ code: "internal", retryable: false });
  expect((await bucket.get("small"))?.length).toBe(5);
});
