import { setTimeout as pause } from "node:timers/promises";
import type { Bucket, Store } from "@manykv/core";
import {
  answering,
  brokenKeys,
  type DedicatedRedis,
  hangingUpAt,
  info,
  type Manner,
  manners,
  RespProxy,
  randomName,
  startDedicatedRedis,
  together,
  without,
} from "@manykv/test-services";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { redisStore } from "../src/index.js";
import { bytes, text } from "./support/bytes.js";
import { batchRejection, rejection } from "./support/rejection.js";

let redis: DedicatedRedis;
beforeAll(async () => {
  redis = await startDedicatedRedis();
});
afterAll(() => redis.stop());

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function through(manner: Manner, target: DedicatedRedis = redis): Promise<[RespProxy, Store, Bucket]> {
  const proxy = await RespProxy.start(target, manner);
  const store = redisStore({ url: proxy.url, timeout: 5_000 });
  cleanups.push(
    () => proxy[Symbol.asyncDispose](),
    () => store.close(),
  );
  return [proxy, store, await store.open(randomName())];
}

function codesOf({ findings }: { readonly findings: readonly { readonly code: string }[] }): string[] {
  return findings.map(({ code }) => code);
}

/** Uses every operation except listing. */
async function useAll(bucket: Bucket): Promise<void> {
  await bucket.setMany(["a", "b", "c"].map((key) => [key, bytes(key)]));
  await bucket.set("d", bytes("d"));
  const values = await bucket.getMany(["a", "none", "d"]);
  expect(values.map((entry) => text(entry?.[1]))).toEqual(["a", undefined, "d"]);
  expect(text(await bucket.get("c"))).toBe("c");
  expect(await bucket.exists("a")).toBe(true);
  await bucket.deleteMany(["a", "b"]);
  await bucket.delete("c");
  expect(await bucket.exists("a")).toBe(false);
}

const settling: Record<string, Manner> = {
  valkey: manners.valkey,
  dragonfly: manners.dragonfly,
  kvrocks: manners.kvrocks,
  keydb: manners.keydb,
};

const notSettling: Record<string, Manner> = {
  upstash: manners.upstash,
  envoy: manners.envoy,
  twemproxy: manners.twemproxy,
};

test.each(Object.entries(settling))(
  "a server like %s runs no write that was lost, and keeps the connections of other clients",
  async (_, manner) => {
    const [proxy, , bucket] = await through(manner);
    const stranger = new Redis(redis.port, { retryStrategy: () => null });
    cleanups.push(() => stranger.disconnect());
    await bucket.set("key", bytes("first"));
    let held = 0;
    proxy.manner = together(([command]) => (command === "SET" && held++ === 0 ? "hold" : undefined), manner);
    const controller = new AbortController();
    const cancelled = batchRejection(bucket.set("key", bytes("old"), { signal: controller.signal }));
    await expect.poll(() => held).toBe(1);
    controller.abort();
    expect((await cancelled).outcomeOf(0)).toBe("unknown");
    proxy.cut();
    await bucket.set("key", bytes("newer"));
    proxy.release();
    await pause(50);
    expect(text(await bucket.get("key"))).toBe("newer");
    expect(proxy.commands.some((command) => /^CLIENT KILL ID \d{1,8}$/.test(command))).toBe(true);
    expect(await stranger.ping()).toBe("PONG");
  },
);

test.each(Object.entries(notSettling))(
  "a server like %s makes a lost write unsettled, and does not hold later ones",
  async (_, manner) => {
    const [proxy, , bucket] = await through(manner);
    await bucket.set("key", bytes("first"));
    let held = 0;
    proxy.manner = together(([command]) => (command === "SET" && held++ === 0 ? "hold" : undefined), manner);
    const controller = new AbortController();
    const cancelled = batchRejection(bucket.set("key", bytes("second"), { signal: controller.signal }));
    await expect.poll(() => held).toBe(1);
    controller.abort();
    expect([...(await cancelled).failures()][0]).toMatchObject({ outcome: "unknown", unsettled: true });
    proxy.cut();
    await bucket.set("key", bytes("third"));
    expect(text(await bucket.get("key"))).toBe("third");
  },
);

test("through a proxy without SCAN, everything works but a listing, which fails at once and says why", async () => {
  for (const manner of [manners.envoy, manners.twemproxy]) {
    const [proxy, , bucket] = await through(manner);
    await useAll(bucket);
    const error = await rejection(bucket.listKeys());
    expect(error.retryable).toBe(false);
    expect(error.message).toContain("SCAN");
    expect(proxy.commands.filter((command) => command.startsWith("SCAN")).length).toBeLessThanOrEqual(2);
  }
});

describe("a proxy that hangs up at", () => {
  test.each([["CLIENT"], ["CLIENT INFO"], ["CLIENT ID"], ["CLIENT KILL"], ["INFO"], ["ROLE"], ["CONFIG"]])(
    "%s: the store works without this command, and still sends the others",
    async (name) => {
      const [proxy, store, bucket] = await through(hangingUpAt(name));
      await useAll(bucket);
      const description = await store.describe();
      expect(description.product).toBe(name === "INFO" ? undefined : "redis");
      // Without CLIENT INFO, CLIENT ID is enough. Without INFO, the client's address is enough.
      expect(description.abilities.settlesLostWrites).toBe(name !== "CLIENT" && name !== "CLIENT KILL");
      const before = proxy.connections;
      proxy.cut();
      await bucket.set("key", bytes("again"));
      // The store remembers what not to ask.
      expect(proxy.connections - before).toBe(1);
    },
  );

  test("a network that breaks the first connections is not taken for such a proxy", async () => {
    let broken = 0;
    const [, store, bucket] = await through((command) =>
      command[0] === "CLIENT" && command[1] === "KILL" && broken++ < 2 ? "hang-up" : undefined,
    );
    await bucket.set("key", bytes("value"));
    expect((await store.describe()).abilities.settlesLostWrites).toBe(true);
  });

  test("a network that breaks connections at the same command in different attempts is not taken for it", async () => {
    let kills = 0;
    let pings = 0;
    const [, store, bucket] = await through(([command, subcommand]) => {
      if (command === "PING") return ++pings === 2 ? "hang-up" : undefined;
      return subcommand === "KILL" && ++kills <= 3 ? "hang-up" : undefined;
    });
    await bucket.set("key", bytes("value"));
    expect({ kills, pings }).toEqual({ kills: 4, pings: 4 });
    expect((await store.describe()).abilities.settlesLostWrites).toBe(true);
  });

  test("SELECT: a store of another database fails at its first attempt, and says what to do", async () => {
    const [proxy] = await through(hangingUpAt("SELECT"));
    await using store = redisStore({ url: `${proxy.url}/1`, timeout: 60_000 });
    const error = await batchRejection((await store.open("bucket")).set("key", bytes("value")));
    expect(error).toMatchObject({ code: "unavailable", retryable: false });
    expect(error.message).toContain("SELECT: use database 0");
    expect(error.outcomeOf(0)).toBe("not-applied");
  });

  test("SELECT only once is a broken connection", async () => {
    let broken = 0;
    const [proxy] = await through(([command]) => (command === "SELECT" && broken++ < 1 ? "hang-up" : undefined));
    await using store = redisStore({ url: `${proxy.url}/1` });
    const bucket = await store.open("bucket");
    await bucket.set("key", bytes("value"));
    expect(text(await bucket.get("key"))).toBe("value");
  });

  test("a network that breaks later connections is never taken for such a proxy", async () => {
    const [proxy, store, bucket] = await through(() => undefined);
    await bucket.set("key", bytes("value"));
    let broken = 0;
    proxy.manner = ([command]) => (command === "CLIENT" && broken++ < 8 ? "hang-up" : undefined);
    proxy.cut();
    await bucket.set("key", bytes("value"));
    expect(broken).toBeGreaterThan(8);
    expect((await store.describe()).abilities.settlesLostWrites).toBe(true);
  });
});

describe("ROLE and INFO in other manners:", () => {
  test.each([
    ["a simple string", answering("+master\r\n", "ROLE")],
    ["upper case", answering("*1\r\n$6\r\nMASTER\r\n", "ROLE")],
    ["an unknown word", answering("*1\r\n$8\r\nsolitary\r\n", "ROLE")],
    ["null", answering("$-1\r\n", "ROLE")],
    ["an empty INFO", answering("$0\r\n\r\n", "INFO")],
    ["INFO as a simple string", answering("+redis_version:9.9.9\r\n", "INFO")],
    ["an empty array", answering("*0\r\n", "INFO", "ROLE", "CLIENT INFO")],
    ["another mode", info({ redis_mode: "solo" })],
  ])("%s does not stop the store", async (_, manner) => {
    const [, , bucket] = await through(manner);
    await useAll(bucket);
  });

  test("a replica is refused and retried, a Sentinel is refused at once", async () => {
    const [, , replica] = await through(answering("*1\r\n$5\r\nslave\r\n", "ROLE"));
    expect(await rejection(replica.get("key", { timeout: 300 }))).toMatchObject({ reason: "READONLY" });
    const [, , sentinel] = await through(info({ redis_mode: "sentinel" }));
    const error = await rejection(sentinel.get("key"));
    expect(error).toMatchObject({ code: "unavailable", retryable: false });
    expect(error.message).toContain("redis+sentinel://");
  });
});

describe("an answer with an error in one place", () => {
  test("fails only the read of that key, over the same connection", async () => {
    let broken = true;
    const [proxy, , bucket] = await through(brokenKeys((name) => name.endsWith(":b") && broken));
    await bucket.setMany(["a", "b", "c"].map((key) => [key, bytes(key)]));
    const before = proxy.connections;
    const error = await rejection(bucket.getMany(["a", "b", "c"], { timeout: 400 }));
    expect(error).toMatchObject({ code: "unavailable", retryable: true });
    expect(error.message).toContain("entry 1");
    const asked = proxy.commands.filter((command) => command.startsWith("MGET"));
    // Later attempts ask only for the key that failed.
    expect(asked.length).toBe(1);
    broken = false;
    expect((await bucket.getMany(["a", "b", "c"])).map((entry) => text(entry?.[1]))).toEqual(["a", "b", "c"]);
    expect(proxy.connections).toBe(before);
  });

  test.each([
    ["OOM command not allowed", "throttled"],
    ["NOPERM no permissions", "access-denied"],
    ["LOADING Redis is loading", "unavailable"],
    ["no upstream host", "unavailable"],
    ["ERR Connection refused", "unavailable"],
    ["ERR something new", "internal"],
  ])("%s is reported as %s", async (message, code) => {
    const [, , bucket] = await through(brokenKeys((name) => name.endsWith(":b"), message));
    expect(await rejection(bucket.getMany(["a", "b"], { timeout: 200 }))).toMatchObject({ code });
    expect(await rejection(bucket.exists("b", { timeout: 200 }))).toMatchObject({ code });
  });
});

test.each([
  ["an array that is too short", "MGET", "*1\r\n$1\r\na\r\n"],
  ["an array that is too long", "MGET", "*3\r\n$-1\r\n$-1\r\n$-1\r\n"],
  ["a number for MSET", "MSET", ":1\r\n"],
  ["OK for DEL", "DEL", "+OK\r\n"],
  ["a count that is too large", "DEL", ":3\r\n"],
  ["a negative count", "DEL", ":-1\r\n"],
  ["2 for EXISTS", "EXISTS", ":2\r\n"],
  ["QUEUED", "MSET", "+QUEUED\r\n"],
])("%s is no answer, and the request is repeated over another connection", async (_, name, reply) => {
  const [proxy, , bucket] = await through(() => undefined);
  await bucket.setMany([
    ["a", bytes("1")],
    ["b", bytes("2")],
  ]);
  const { connections } = proxy;
  let times = 0;
  proxy.manner = ([command]) => (command === name && times++ === 0 ? reply : undefined);
  await bucket.setMany([
    ["a", bytes("3")],
    ["b", bytes("4")],
  ]);
  expect((await bucket.getMany(["a", "b"])).map((entry) => text(entry?.[1]))).toEqual(["3", "4"]);
  expect(await bucket.exists("a")).toBe(true);
  await bucket.deleteMany(["a", "b"]);
  expect(times).toBeGreaterThan(0);
  expect(proxy.connections).toBeGreaterThan(connections);
});

test("OK as a bulk string acknowledges a write", async () => {
  const [proxy, , bucket] = await through(answering("$2\r\nOK\r\n", "SET", "MSET"));
  await bucket.set("a", bytes("1"));
  expect(proxy.connections).toBe(1);
});

describe("describe()", () => {
  test("reports what is missing if the user has few permissions", async () => {
    const admin = new Redis(redis.port);
    cleanups.push(() => admin.disconnect());
    await admin.call("ACL", "SETUSER", "plain", "on", ">pass", "~*", "+@read", "+@write", "+@connection");
    await admin.call("ACL", "SETUSER", "modest", "on", ">pass", "~*", "+@read", "+@write", "+ping");
    const at = (user: string) => {
      const store = redisStore({ url: `redis://${user}:pass@127.0.0.1:${redis.port}` });
      cleanups.push(() => store.close());
      return store.describe();
    };
    const plain = await at("plain");
    expect(plain.abilities.settlesLostWrites).toBe(true);
    expect(codesOf(plain)).toContain("no-run-id");
    const modest = await at("modest");
    expect(modest.abilities.settlesLostWrites).toBe(false);
    expect(modest.findings.find(({ code }) => code === "cannot-settle")?.message).toMatch(/CLIENT KILL.*ACL/);
  });

  test("costs no round trip when the store connects", async () => {
    const [proxy, , bucket] = await through(without("nothing"));
    await bucket.get("key");
    expect(proxy.commands).toEqual([
      "CLIENT INFO",
      "CLIENT ID",
      expect.stringMatching(/^CLIENT KILL ID \d+$/),
      "INFO",
      "ROLE",
      expect.stringMatching(/^GET /),
    ]);
  });
});
