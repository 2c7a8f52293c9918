import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { TcpProxy } from "@manykv/conformance/faults";
import { certificate, privateKey, randomName, startDedicatedRedis } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Redis } from "ioredis";
import { createClient } from "redis6";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RedisTlsOptions, redisStore } from "../src/index.js";
import { addressesOf } from "./support/addresses.js";
import { bytes, text } from "./support/bytes.js";
import { FakeSentinel } from "./support/fake-sentinel.js";
import { batchRejection, expectNoSecret, rejection } from "./support/rejection.js";

const tls = { clientTls: { cert: certificate, key: privateKey } };
const [server] = addressesOf(serviceUrl("redis")) as [{ host: string; port: number }];

function fileOf(name: string): string {
  return fileURLToPath(new URL(`./support/tls/${name}`, import.meta.url));
}

const files = `tls_ca=${encodeURIComponent(fileOf("ca.pem"))}`;
const clientFiles = `tls_cert=${encodeURIComponent(fileOf("client.pem"))}&tls_key=${encodeURIComponent(fileOf("client.key"))}`;
const name = "tls_server_name=redis.example";

async function freePort(): Promise<number> {
  const socket = createServer();
  await new Promise<void>((resolve) => socket.listen(0, "127.0.0.1", resolve));
  const { port } = socket.address() as { port: number };
  await new Promise((resolve) => socket.close(resolve));
  return port;
}

/** Starts a server with an additional port for TLS. */
async function startTlsServer(...args: string[]) {
  const tlsPort = await freePort();
  const tlsArgs = [
    ...["--tls-port", `${tlsPort}`, "--tls-ca-cert-file", fileOf("ca.pem")],
    ...["--tls-cert-file", fileOf("server.pem"), "--tls-key-file", fileOf("server.key")],
  ];
  const redis = await startDedicatedRedis({ source: "process", args: [...tlsArgs, ...args] });
  return { redis, tlsPort };
}

async function writesAndReads(store: ReturnType<typeof redisStore>): Promise<void> {
  await using _ = store;
  const bucket = await store.open(randomName());
  const entries = Array.from({ length: 50 }, (_, index) => [`key${index}`, bytes(`value${index}`)] as const);
  await bucket.setMany(entries);
  expect((await bucket.getMany(["key7", "none"])).map((entry) => text(entry?.[1]))).toEqual(["value7", undefined]);
  await bucket.deleteMany(entries.map(([key]) => key));
}

describe("a server that requires a client certificate from a private authority", () => {
  let started: Awaited<ReturnType<typeof startTlsServer>>;
  beforeAll(async () => {
    started = await startTlsServer();
  });
  afterAll(() => started.redis.stop());
  const pem = { ca: readFileSync(fileOf("ca.pem")), key: readFileSync(fileOf("client.key")) };
  const code = { ...pem, cert: readFileSync(fileOf("client.pem")), servername: "redis.example" };

  test("works with the files and the server name in the URL", async () => {
    await writesAndReads(redisStore({ url: `rediss://127.0.0.1:${started.tlsPort}?${files}&${clientFiles}&${name}` }));
    await writesAndReads(
      redisStore({ url: `valkeys://localhost:${started.tlsPort}/1?${files}&${clientFiles}&${name}` }),
    );
  });

  test("works with the option `tls`, and with both", async () => {
    const url = `rediss://localhost:${started.tlsPort}`;
    await writesAndReads(redisStore({ url, tls: code }));
    const { servername: _, ...others } = code;
    await writesAndReads(redisStore({ url, tls: { ...others, checkServerIdentity: () => undefined } }));
    await writesAndReads(redisStore({ url: `${url}?${name}`, tls: others }));
  });

  test("works with the settings of a client of ioredis or node-redis", async () => {
    const client = new Redis({ port: started.tlsPort, tls: code, lazyConnect: true });
    await writesAndReads(redisStore({ client }));
    await writesAndReads(
      redisStore({ nodeRedis: createClient({ socket: { port: started.tlsPort, tls: true, ...code } }) }),
    );
  });

  test.each([
    ["the authority is unknown", `${clientFiles}&${name}`, /UNABLE_TO_|SELF_SIGNED/],
    ["the certificate has another name", `${files}&${clientFiles}`, /ERR_TLS_CERT_ALTNAME_INVALID/],
    [
      "the server name is wrong",
      `${files}&${clientFiles}&tls_server_name=canary.example`,
      /ERR_TLS_CERT_ALTNAME_INVALID/,
    ],
    ["the client has no certificate", `${files}&${name}`, /ERR_SSL_|rejected/],
  ])("a call fails at the first attempt if %s", async (_, parameters, reason) => {
    const url = `rediss://:canary@localhost:${started.tlsPort}?${parameters}`;
    await using store = redisStore({ url, timeout: 60_000 });
    const error = await batchRejection((await store.open("bucket")).set("key", bytes("canary")));
    expect(error).toMatchObject({ code: "unavailable", retryable: false });
    expect(error.reason).toMatch(reason);
    expect(error.outcomeOf(0)).toBe("not-applied");
    expectNoSecret(error, "canary");
  });
});

test.each<[string, { url: string; tls?: RedisTlsOptions }, RegExp]>([
  [
    "a file without a certificate",
    { url: `rediss://h?tls_ca=${encodeURIComponent(fileOf("README.md"))}` },
    /no certificate/,
  ],
  [
    "a key of another certificate",
    {
      url: `rediss://h?${clientFiles.replace("client.key", "server.key")}`,
    },
    /invalid .*MISMATCH/,
  ],
  ["a directory", { url: `rediss://h?tls_ca=${encodeURIComponent(fileOf(""))}` }, /"tls_ca" cannot be read: EISDIR/],
  ["an option that is no key", { url: "rediss://h", tls: { key: "canary" } }, /invalid/],
])("a store rejects %s when it is created", (_, options, message) => {
  let error: unknown;
  try {
    redisStore(options);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({ code: "invalid-argument", message: expect.stringMatching(message) });
  expectNoSecret(error, "canary");
});

test("the server name applies to all nodes of a cluster that announces them by IP address", async () => {
  const args = ["--cluster-enabled", "yes", "--tls-cluster", "yes", "--tls-auth-clients", "no"];
  const nodes = await Promise.all([startTlsServer(...args), startTlsServer(...args)]);
  const [first, second] = nodes.map(({ redis }) => new Redis({ port: redis.port }));
  try {
    await first?.call("CLUSTER", "ADDSLOTSRANGE", "0", "8191");
    await second?.call("CLUSTER", "ADDSLOTSRANGE", "8192", "16383");
    await first?.call("CLUSTER", "MEET", "127.0.0.1", `${nodes[1]?.tlsPort}`);
    await expect.poll(() => first?.call("CLUSTER", "INFO"), { timeout: 20_000 }).toContain("cluster_size:2");
    for (const node of [first, second])
      await expect.poll(() => node?.call("CLUSTER", "INFO"), { timeout: 20_000 }).toContain("cluster_state:ok");
    await writesAndReads(redisStore({ url: `rediss+cluster://localhost:${nodes[0]?.tlsPort}?${files}&${name}` }));
    const keys = await Promise.all([first, second].map((node) => node?.info("commandstats")));
    for (const stats of keys) expect(stats).toContain("cmdstat_set");
  } finally {
    for (const node of [first, second]) node?.disconnect();
    for (const { redis } of nodes) await redis.stop();
  }
});

test("TLS files and the server name apply to sentinels and to the master", async () => {
  const clientTls = {
    cert: readFileSync(fileOf("server.pem"), "utf8"),
    key: readFileSync(fileOf("server.key"), "utf8"),
  };
  await using master = await TcpProxy.start(server, { clientTls });
  await using sentinel = await FakeSentinel.start({ host: "127.0.0.1", port: master.port, epoch: 1 });
  const [host = "", port] = sentinel.address.split(":");
  await using proxy = await TcpProxy.start({ host, port: Number(port) }, { clientTls });
  await writesAndReads(redisStore({ url: `rediss+sentinel://127.0.0.1:${proxy.port}/main?${files}&${name}` }));
});

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

describe("TLS on only one side makes a call fail at the first attempt:", () => {
  let started: Awaited<ReturnType<typeof startTlsServer>>;
  beforeAll(async () => {
    started = await startTlsServer();
  });
  afterAll(() => started.redis.stop());

  test.each([
    ["rediss", "redis://", (): number => started.redis.port],
    ["rediss+cluster", "redis://", (): number => started.redis.port],
    ["redis", "rediss://", (): number => started.tlsPort],
    ["redis+cluster", "rediss://", (): number => started.tlsPort],
  ])("%s instead of %s", async (scheme, right, port) => {
    await using store = redisStore({ url: `${scheme}://:canary@localhost:${port()}`, timeout: 60_000 });
    const error = await batchRejection((await store.open("bucket")).set("key", bytes("canary")));
    expect(error).toMatchObject({ code: "unavailable", retryable: false });
    expect(error.reason).toContain(right);
    expect(error.outcomeOf(0)).toBe("not-applied");
    await expect(rejection((await store.open("bucket")).get("key"))).resolves.toMatchObject({ reason: error.reason });
    expectNoSecret(error, "canary");
  });
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
