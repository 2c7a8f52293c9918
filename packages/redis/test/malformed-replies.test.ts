import { setTimeout as pause } from "node:timers/promises";
import { TcpProxy } from "@manykv/conformance/faults";
import type { Bucket } from "@manykv/core";
import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Redis } from "ioredis";
import { afterEach, expect, test } from "vitest";
import { redisStore } from "../src/index.js";
import { addressesOf } from "./support/addresses.js";
import { bytes, text } from "./support/bytes.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const [server] = addressesOf(serviceUrl("redis")) as [{ host: string; port: number }];

type Way = "url" | "client";

/** Returns a proxy, and a bucket behind it with an open connection. */
async function through(way: Way): Promise<[TcpProxy, Bucket]> {
  const proxy = await TcpProxy.start(server);
  const client = new Redis({ port: proxy.port, retryStrategy: () => 20, lazyConnect: true });
  client.on("error", () => {});
  const store = redisStore(way === "client" ? { client } : { url: proxy.url("redis://localhost") });
  cleanups.push(
    () => proxy[Symbol.asyncDispose](),
    () => client.disconnect(),
    () => store.close(),
  );
  const bucket = await store.open(randomName());
  await bucket.set("warm", bytes("up"));
  return [proxy, bucket];
}

const malformed: Readonly<Record<string, string>> = {
  "is not a reply": "HTTP/1.1 400 Bad Request\r\n\r\n",
  "is longer than its declared length": "$2\r\nupward\r\n",
  "has an invalid length": "$-2\r\n",
  "has a type that the command does not return": ":1\r\n",
  "is followed by a second reply": "$2\r\nup\r\n$2\r\nup\r\n",
};

for (const [what, answer] of Object.entries(malformed)) {
  test(`a reply that ${what} closes the connection, and the read uses another connection`, async () => {
    const [proxy, bucket] = await through("url");
    const connection = proxy.last;
    connection.hold("answer");
    const reading = bucket.get("warm");
    await pause(20);
    connection.client.write(answer);
    expect(text(await reading)).toBe("up");
    await pause(20);
    expect(connection.client.destroyed).toBe(true);
    expect(text(await bucket.get("warm"))).toBe("up");
  });
}

for (const answer of [":1\r\n", "*2\r\n:7\r\n*0\r\n", "*2\r\n$1\r\n0\r\n*1\r\n:1\r\n", "*2\r\n$2\r\nup\r\n*0\r\n"]) {
  test(`${JSON.stringify(answer)} is no reply to SCAN, so the listing uses another connection`, async () => {
    const [proxy, bucket] = await through("url");
    const connection = proxy.last;
    connection.hold("answer");
    const listing = bucket.listKeys();
    await pause(20);
    connection.client.write(answer);
    expect((await listing).keys).toEqual(["warm"]);
    expect(connection.client.destroyed).toBe(true);
  });
}

test("a write with a malformed reply is settled and acknowledged", async () => {
  const [proxy, bucket] = await through("url");
  const connection = proxy.last;
  connection.hold("answer");
  const writing = bucket.set("key", bytes("value"));
  await pause(20);
  connection.client.write("+O\nK\r\n");
  await writing;
  expect(connection.client.destroyed).toBe(true);
  expect(text(await bucket.get("key"))).toBe("value");
});

test("requests after a malformed reply are repeated over another connection", async () => {
  const [proxy, bucket] = await through("url");
  const connection = proxy.last;
  connection.hold("answer");
  const keys = Array.from({ length: 3_000 }, (_, index) => `key${index}`);
  const writing = bucket.setMany(keys.map((key) => [key, bytes(key)]));
  const reading = bucket.get("warm");
  await pause(50);
  connection.client.write("+OK\r\n+OK\r\n?\r\n");
  await writing;
  expect(text(await reading)).toBe("up");
  expect((await bucket.getMany(keys)).map((pair) => text(pair?.[1]))).toEqual(keys);
});

test("a reply without a command closes an idle connection, and no call receives the reply", async () => {
  const [proxy, bucket] = await through("url");
  const connection = proxy.last;
  connection.client.write("$4\r\nda");
  await pause(50);
  expect(connection.client.destroyed).toBe(true);
  expect(text(await bucket.get("warm"))).toBe("up");
});

for (const way of ["url", "client"] as const) {
  test(`a reply that arrives in pieces is read correctly, by ${way}`, async () => {
    const [proxy, bucket] = await through(way);
    const connection = proxy.last;
    const value = Uint8Array.from({ length: 200_000 }, (_, index) => index % 251);
    await bucket.setMany([
      ["large", value],
      ["small", bytes("value")],
    ]);
    connection.hold("answer");
    const reading = bucket.getMany(["large", "none", "small"]);
    while (connection.waiting("answer") < value.length) await pause(1);
    for (const piece of connection.take("answer")) {
      for (let from = 0; from < piece.length; from += 7_919) {
        connection.client.write(piece.subarray(from, from + 7_919));
        if (from % 5 === 0) await pause(1);
      }
    }
    const [large, none, small] = await reading;
    expect(Buffer.compare(large?.[1] ?? bytes(""), value)).toBe(0);
    expect(none).toBeUndefined();
    expect(text(small?.[1])).toBe("value");
    expect(connection.client.destroyed).toBe(false);
  });
}
