import {
  brokenKeys,
  type DedicatedRedis,
  hangingUpAt,
  killByAnyFilter,
  type Manner,
  manners,
  oneKillFilter,
  RespProxy,
  startDedicatedRedis,
  together,
} from "@manykv/test-services";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";

let redis: DedicatedRedis;
beforeAll(async () => {
  redis = await startDedicatedRedis();
});
afterAll(() => redis.stop());

async function through(manner: Manner, use: (client: Redis, proxy: RespProxy) => Promise<void>): Promise<void> {
  await using proxy = await RespProxy.start(redis, manner);
  const options = { enableReadyCheck: false, disableClientInfo: true, protocol: 2, retryStrategy: null } as const;
  const client = new Redis({ ...options, port: proxy.port, host: proxy.host, retryStrategy: () => null });
  client.on("error", () => {});
  await use(client, proxy);
  client.disconnect();
}

test("replies stay in the order of the commands, whoever answers them", () =>
  through(manners.upstash, async (client) => {
    const replies = await client.pipeline().set("key", "v".repeat(200_000)).info().get("key").call("ROLE").exec();
    expect(replies?.map(([error, reply]) => error?.message ?? String(reply).length)).toEqual([
      2,
      "ERR unknown command 'INFO'",
      200_000,
      "ERR unknown command 'ROLE'",
    ]);
  }));

test("INFO has the lines of another product", () =>
  through(manners.dragonfly, async (client) => {
    const text = await client.info("server");
    expect(text).toMatch(/^dragonfly_version:df-/m);
    expect(text).toMatch(/^redis_version:/m);
    expect(text).not.toMatch(/run_id/);
  }));

test("a client may use RESP3", async () => {
  await using proxy = await RespProxy.start(redis, manners.valkey);
  const client = new Redis(proxy.port, proxy.host, { protocol: 3, retryStrategy: () => null });
  await client.hset("hash", { a: "1", b: "2" });
  expect(await client.hgetall("hash")).toEqual({ a: "1", b: "2" });
  expect(await client.info("server")).toMatch(/^server_name:valkey/m);
  client.disconnect();
});

test("CLIENT KILL takes one filter, or joins filters with OR", async () => {
  await through(oneKillFilter, async (client) => {
    await expect(client.call("CLIENT", "KILL", "ID", "999", "ADDR", "1.2.3.4:5")).rejects.toThrow("syntax error");
    expect(await client.call("CLIENT", "KILL", "ID", "999")).toBe(0);
  });
  await through(killByAnyFilter, async (client) => {
    const other = new Redis(redis.port, redis.host, { retryStrategy: () => null });
    other.on("error", () => {});
    expect(await client.call("CLIENT", "KILL", "ID", `${await other.client("ID")}`, "ADDR", "1.2.3.4:5")).toBe(1);
    other.disconnect();
  });
});

test("MGET has an error in the place of a key", () =>
  through(
    brokenKeys((name) => name === "b"),
    async (client) => {
      await client.mset("a", "1", "b", "2", "c", "3");
      const [a, b, c, none] = await client.mget("a", "b", "c", "none");
      expect([a, c, none]).toEqual(["1", "3", null]);
      expect(b).toMatchObject({ message: "upstream failure" });
    },
  ));

test("a connection ends at a command that the proxy does not know", () =>
  through(together(hangingUpAt("CLIENT KILL")), async (client, proxy) => {
    expect(await client.client("ID")).toBeGreaterThan(0);
    await expect(client.call("client", "kill", "ID", "1")).rejects.toThrow();
    expect(proxy.commands).toContain("CLIENT KILL ID 1");
  }));
