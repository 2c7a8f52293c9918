import { info, type Manner, RespProxy, randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { afterEach, describe, expect, test } from "vitest";
import { redisStore } from "../src/index.js";
import { redis84, withoutMsetex } from "./support/msetex.js";

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function connect(manner: Manner) {
  const { hostname, port } = new URL(serviceUrl("redis"));
  const proxy = await RespProxy.start({ host: hostname, port: Number(port) }, manner);
  const store = redisStore({ url: proxy.url });
  cleanups.push(
    () => proxy[Symbol.asyncDispose](),
    () => store.close(),
  );
  const bucket = await store.open(randomName());
  const sent = (name: string): number => proxy.commands.filter((command) => command.startsWith(`${name} `)).length;
  return { bucket, sent };
}

function entries(count: number): [string, Uint8Array][] {
  return Array.from({ length: count }, (_, index) => [`key ${index}`, Buffer.from(`value ${index}`)]);
}

describe("sets that expire", () => {
  test("use one command on Redis 8.4 if all keys have the same ttl", async () => {
    const { bucket, sent } = await connect(redis84);
    await bucket.setMany(entries(1_000), { ttl: 60_000 });
    expect([sent("MSETEX"), sent("SET")]).toEqual([1, 0]);
    const keys = entries(1_000).map(([key]) => key);
    const ttls = await bucket.ttlMany(keys);
    expect(ttls.every((ttl) => typeof ttl === "number" && ttl > 0 && ttl <= 60_000)).toBe(true);
    const values = await bucket.getMany(keys);
    expect(values.map((pair) => pair && Buffer.from(pair[1]).toString())).toEqual(
      keys.map((key) => key.replace("key", "value")),
    );
    await bucket.clear();
  });

  test("use one command per key on Redis 8.4 if the ttls differ, or for one key", async () => {
    const { bucket, sent } = await connect(redis84);
    await bucket.setMany([
      ["a", Buffer.from("1"), { ttl: 60_000 }],
      ["b", Buffer.from("2")],
    ]);
    await bucket.set("c", Buffer.from("3"), { ttl: 60_000 });
    expect([sent("MSETEX"), sent("SET")]).toEqual([0, 3]);
    expect((await bucket.ttlMany(["a", "b", "c"])).map((ttl) => typeof ttl)).toEqual(["number", "object", "number"]);
    await bucket.clear();
  });

  test.each(Object.entries(withoutMsetex))("use one command per key on %s", async (_, lines) => {
    const { bucket, sent } = await connect(info(lines));
    await bucket.setMany(entries(10), { ttl: 60_000 });
    expect([sent("MSETEX"), sent("SET")]).toEqual([0, 10]);
    await bucket.clear();
  });
});
