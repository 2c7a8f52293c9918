import { setTimeout as pause } from "node:timers/promises";
import { startDedicatedRedis, startDedicatedRedisCluster } from "@manykv/test-services";
import { Redis } from "ioredis";
import { afterEach, describe, expect, test } from "vitest";
import { type RedisCredentials, type RedisStoreOptions, redisStore } from "../src/index.js";
import { bytes, text } from "./support/bytes.js";
import { batchRejection, expectNoSecret, rejection } from "./support/rejection.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Server {
  readonly url: string;
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
}

async function startSingle(): Promise<Server> {
  const redis = await startDedicatedRedis();
  cleanups.push(() => redis.stop());
  return { url: redis.url, nodes: [redis] };
}

async function startCluster(): Promise<Server> {
  const cluster = await startDedicatedRedisCluster();
  cleanups.push(() => cluster.stop());
  return cluster;
}

/** A user whose password is a token. Only one token is valid at a time. */
class Tokens {
  issued = 0;
  /** The number of calls of `credentials`. */
  asked = 0;
  readonly #admins: readonly Redis[];

  constructor({ nodes }: Server) {
    this.#admins = nodes.map(({ host, port }) => new Redis({ host, port }));
    cleanups.push(() => {
      for (const admin of this.#admins) admin.disconnect();
    });
  }

  get current(): string {
    return `canary-token-${this.issued}`;
  }

  readonly credentials = async (): Promise<RedisCredentials> => {
    this.asked++;
    return { username: "app", password: this.current };
  };

  /** Makes the old token invalid, issues a new one, and closes the connections that were opened with the old one. */
  async rotate(): Promise<void> {
    this.issued++;
    const rule = ["app", "reset", "on", `>${this.current}`, "~*", "+@all"];
    await Promise.all(
      this.#admins.map(async (admin) => {
        await admin.call("ACL", "SETUSER", ...rule);
        await admin.call("CLIENT", "KILL", "USER", "app");
      }),
    );
  }
}

async function bucketOf(options: RedisStoreOptions) {
  const store = redisStore(options);
  cleanups.push(() => store.close());
  return store.open("bucket");
}

describe.each([
  ["a server", startSingle],
  ["a cluster", startCluster],
])("with tokens that expire, on %s", (_, start) => {
  test("no call under load fails", async () => {
    const server = await start();
    const tokens = new Tokens(server);
    await tokens.rotate();
    const bucket = await bucketOf({ url: server.url, credentials: tokens.credentials });
    let running = true;
    const callers = Array.from({ length: 8 }, async (__, caller) => {
      let calls = 0;
      for (; running; calls++) {
        const keys = Array.from({ length: 20 }, (___, index) => `${caller}-${index}`);
        await bucket.setMany(keys.map((key) => [key, bytes(`${calls}`)]));
        const read = await bucket.getMany(keys);
        expect(read.map((entry) => text(entry?.[1]))).toEqual(keys.map(() => `${calls}`));
        await pause(1);
      }
      return calls;
    });
    for (let round = 0; round < 4; round++) {
      await pause(2_000);
      await tokens.rotate();
    }
    await pause(500);
    running = false;
    for (const calls of await Promise.all(callers)) expect(calls).toBeGreaterThan(10);
    expect(tokens.asked).toBeGreaterThanOrEqual(5);
  });
});

test("a token that expires while it is being used is replaced at once", async () => {
  const server = await startSingle();
  const tokens = new Tokens(server);
  await tokens.rotate();
  let stale = 1;
  const bucket = await bucketOf({
    url: server.url,
    retry: { attempts: 1 },
    credentials: async () => (stale-- > 0 ? { username: "app", password: "canary" } : tokens.credentials()),
  });
  await bucket.set("key", bytes("value"));
  expect(text(await bucket.get("key"))).toBe("value");
});

test("the function replaces the credentials of the URL and of a client", async () => {
  const server = await startSingle();
  const tokens = new Tokens(server);
  await tokens.rotate();
  const { credentials } = tokens;
  const byUrl = await bucketOf({ url: server.url.replace("://", "://other:canary@"), credentials });
  await byUrl.set("key", bytes("value"));
  const client = new Redis({
    port: server.nodes[0]?.port ?? 0,
    username: "other",
    password: "canary",
    lazyConnect: true,
  });
  const byClient = await bucketOf({ client, credentials });
  expect(text(await byClient.get("key"))).toBe("value");
});

describe("a call fails if the function", () => {
  test.each<[string, () => unknown, object, boolean]>([
    [
      "returns rejected credentials",
      async () => ({ username: "app", password: "canary" }),
      { code: "access-denied" },
      false,
    ],
    ["returns only a user", async () => ({ username: "canary" }), { code: "invalid-argument" }, false],
    ["returns a string", async () => "canary", { code: "invalid-argument" }, false],
    ["returns nothing", async () => undefined, { code: "invalid-argument" }, false],
    [
      "rejects",
      async () => {
        throw new Error("canary");
      },
      { code: "unavailable", reason: "the `credentials` function failed" },
      true,
    ],
    [
      "throws",
      () => {
        throw "canary";
      },
      { code: "unavailable", reason: "the `credentials` function failed" },
      true,
    ],
    ["never settles", () => new Promise(() => {}), { code: "unavailable", reason: "ETIMEDOUT" }, true],
  ])("%s", async (_, credentials, expected, retryable) => {
    const server = await startSingle();
    const bucket = await bucketOf({
      url: server.url,
      credentials: credentials as () => Promise<RedisCredentials>,
      connectTimeout: 200,
      timeout: retryable ? 1_000 : 60_000,
    });
    const error = await batchRejection(bucket.set("key", bytes("value")));
    expect(error).toMatchObject({ ...expected, retryable });
    expect(error.outcomeOf(0)).toBe("not-applied");
    expectNoSecret(error, "canary");
    await expect(rejection(bucket.get("key"))).resolves.toMatchObject(expected);
  });
});
