import { TcpProxy } from "@manykv/conformance/faults";
import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { redisStore } from "../src/index.js";
import { addressesOf } from "./support/addresses.js";
import { bytes, text } from "./support/bytes.js";
import { certificate, privateKey } from "./support/certificate.js";
import { batchRejection, expectNoSecret } from "./support/rejection.js";

const tls = { clientTls: { cert: certificate, key: privateKey } };
const [server] = addressesOf(serviceUrl("redis")) as [{ host: string; port: number }];

test("an untrusted certificate makes a call fail immediately, and nothing is sent", async () => {
  await using proxy = await TcpProxy.start(server, tls);
  for (const scheme of ["rediss", "rediss+cluster"]) {
    await using store = redisStore({ url: `${scheme}://:canary@localhost:${proxy.port}` });
    const error = await batchRejection((await store.open("bucket")).set("key", bytes("canary")));
    expect(error).toMatchObject({ tag: "other", code: "unavailable", retryable: false });
    expect(error.message).toMatch(/CERT/);
    expect(error.outcomeOf(0)).toBe("not-applied");
    expectNoSecret(error, "canary");
  }
});

test("TLS on only one side makes a call fail by its deadline", async () => {
  await using proxy = await TcpProxy.start(server, tls);
  for (const url of [`rediss://localhost:${server.port}`, `redis://localhost:${proxy.port}`]) {
    await using store = redisStore({ url, timeout: 2_000 });
    const error = await batchRejection((await store.open("bucket")).set("key", bytes("value")));
    // Redis may take the beginning of the TLS handshake for an incomplete command and wait.
    expect(["unavailable", "timeout"]).toContain(error.code);
    expect(error.outcomeOf(0)).toBe("not-applied");
  }
});

test("the store uses the TLS options of a client", async () => {
  await using proxy = await TcpProxy.start(server, tls);
  const client = new Redis({ host: "localhost", port: proxy.port, tls: { ca: certificate } });
  await using store = redisStore({ client });
  const bucket = await store.open(randomName());
  await bucket.setMany([["key", bytes("value")]]);
  expect(text(await bucket.get("key"))).toBe("value");
  await bucket.delete("key");
  client.disconnect();
});
