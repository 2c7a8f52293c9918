import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startDedicatedRedis, startRelay } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Redis } from "ioredis";
import { createClient } from "redis6";
import { afterEach, expect, test } from "vitest";
import { type RedisStoreOptions, redisStore } from "../src/index.js";
import { addressesOf } from "./support/addresses.js";
import { bytes, text } from "./support/bytes.js";
import { rejection } from "./support/rejection.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function writesAndReads(options: RedisStoreOptions): Promise<void> {
  await using store = redisStore(options);
  const bucket = await store.open("bucket");
  await bucket.set("key", bytes("value"));
  expect(text(await bucket.get("key"))).toBe("value");
  await bucket.delete("key");
}

/** Starts a server with a Unix socket. `folder` may contain any character. */
async function startWithSocket(name = "redis.sock") {
  const folder = await mkdtemp(join(tmpdir(), "manykv-"));
  const path = join(folder, name);
  const redis = await startDedicatedRedis({ source: "process", password: "p@ss", args: ["--unixsocket", path] });
  cleanups.push(
    () => rm(folder, { recursive: true }),
    () => redis.stop(),
  );
  return { path, redis };
}

test("a store connects over a Unix socket, with a password and a database", async () => {
  const { path, redis } = await startWithSocket("a b#c?.sock");
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  await using store = redisStore({ url: `redis+unix://:p%40ss@${encoded}?db=2` });
  const bucket = await store.open("bucket");
  await bucket.set("key", bytes("value"));
  const admin = new Redis({ port: redis.port, password: "p@ss", db: 2 });
  cleanups.push(() => admin.disconnect());
  expect(await admin.get("{}bucket:key")).toBe("value");
  expect(await admin.client("LIST")).toContain(`addr=${path}:0`);
  await writesAndReads({ url: `valkey+unix://default:p%40ss@${encoded}` });
});

test("a store takes over the Unix socket of a client", async () => {
  const { path } = await startWithSocket();
  await writesAndReads({ client: new Redis({ path, password: "p@ss", lazyConnect: true }) });
  await writesAndReads({ nodeRedis: createClient({ socket: { path, tls: false }, password: "p@ss" }) });
  await writesAndReads({ nodeRedis: createClient({ url: `unix://:p%40ss@${path}` }) });
});

test("a call to a Unix socket that does not exist is retried until its deadline", async () => {
  await using store = redisStore({ url: "redis+unix:///no/such/socket", timeout: 300 });
  const error = await rejection((await store.open("bucket")).get("key"));
  expect(error).toMatchObject({ code: "unavailable", retryable: true, reason: "ENOENT" });
});

test("a store connects to an IPv6 address", async () => {
  const [server] = addressesOf(serviceUrl("redis")) as [{ host: string; port: number }];
  await using relay = await startRelay(server, { host: "::1" });
  const { port } = relay;
  await writesAndReads({ url: `redis://[::1]:${port}` });
  await writesAndReads({ client: new Redis({ host: "::1", port, lazyConnect: true }) });
});

test("valkey:// is an alias of redis://", async () => {
  await writesAndReads({ url: serviceUrl("redis").replace("redis:", "valkey:") });
  await writesAndReads({ url: serviceUrl("redis-cluster").replace("redis+cluster:", "valkey+cluster:") });
});

test.each([
  ["a web server", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", /Redis protocol/],
  ["a MySQL server", "\x4a\x00\x00\x00\x0a8.0.36\x00", /Redis protocol/],
  ["a server that sends a TLS alert", "\x15\x03\x03\x00\x02\x02\x46", /rediss:/],
])("a call to %s fails at the first attempt", async (_, greeting, reason) => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.end(Buffer.from(greeting, "latin1"));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  for (const scheme of ["redis", "redis+cluster"]) {
    const url = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await using store = redisStore({ url, timeout: 60_000 });
    const bucket = await store.open("bucket");
    for (const call of [bucket.get("key"), bucket.set("key", bytes("value"))]) {
      const error = await rejection(call);
      expect(error).toMatchObject({ code: "unavailable", retryable: false });
      expect(error.reason).toMatch(reason);
    }
  }
});
