import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { redisStore } from "../src/index.js";
import { addressesOf } from "./support/addresses.js";
import { bytes, text } from "./support/bytes.js";
import { batchRejection, expectNoSecret } from "./support/rejection.js";
import { certificate, startTlsProxy } from "./support/tls-proxy.js";

const [server] = addressesOf(serviceUrl("redis")) as [{ host: string; port: number }];

test("a certificate that nobody vouches for is an error at once, and nothing is sent", async () => {
  await using proxy = await startTlsProxy(server);
  for (const scheme of ["rediss", "rediss+cluster"]) {
    await using store = redisStore({ url: `${scheme}://:canary@localhost:${proxy.port}` });
    const error = await batchRejection((await store.open("bucket")).set("key", bytes("canary")));
    expect(error).toMatchObject({ tag: "other", code: "unavailable", retryable: false });
    expect(error.message).toMatch(/CERT/);
    expect(error.outcomeOf(0)).toBe("not-applied");
    expectNoSecret(error, "canary");
  }
});

test("one side speaks TLS and the other does not: an error, never a hang", async () => {
  await using proxy = await startTlsProxy(server);
  for (const url of [`rediss://localhost:${server.port}`, `redis://localhost:${proxy.port}`]) {
    await using store = redisStore({ url, timeout: 2_000 });
    const error = await batchRejection((await store.open("bucket")).set("key", bytes("value")));
    // Redis may take what TLS begins with for a command that has not ended yet.
    expect(["unavailable", "timeout"]).toContain(error.code);
    expect(error.outcomeOf(0)).toBe("not-applied");
  }
});

test("a client that trusts the certificate works", async () => {
  await using proxy = await startTlsProxy(server);
  const client = new Redis({ host: "localhost", port: proxy.port, tls: { ca: certificate } });
  await using store = redisStore({ client });
  const bucket = await store.open(randomName());
  await bucket.setMany([["key", bytes("value")]]);
  expect(text(await bucket.get("key"))).toBe("value");
  await bucket.delete("key");
  client.disconnect();
});
