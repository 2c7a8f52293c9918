import { setMaxListeners } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:net";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { answerJson, passThrough } from "@manykv/conformance/faults";
import type { Driver, Fault } from "@manykv/core";
import { describe, expect, test } from "vitest";
import { classify } from "../../src/error-table.js";
import { type DynamodbDriverOptions, dynamodbDriver, dynamodbStore } from "../../src/index.js";
import { DirectTransport } from "../../src/transport/direct-transport.js";
import { hang } from "../support/behaviours.js";
import { request } from "../support/request.js";
import { startProxy } from "../support/start-proxy.js";
import { testTable } from "../support/test-table.js";

const { name: table, endpoint } = testTable();
const write = { keys: ["key"], values: [new Uint8Array([1])] };
const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" };

async function faultOf(driver: Driver, signal = new AbortController().signal): Promise<Fault> {
  const error = await driver.set(request({ ...write, signal })).then(
    () => expect.fail("it resolved"),
    (reason: unknown) => reason,
  );
  return driver.classify(error);
}

/** Takes connections and says nothing. */
async function silentServer(): Promise<Server> {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

describe("what was not sent has no effect", () => {
  test("a TLS handshake that does not come about before the signal fires", async () => {
    const server = await silentServer();
    const { port } = server.address() as AddressInfo;
    const driver = dynamodbDriver({ table, endpoint: `https://127.0.0.1:${port}` });
    const fault = await faultOf(driver, AbortSignal.timeout(200));
    expect(fault).toMatchObject({ code: "timeout", effect: "none" });
    await driver.close();
    server.close();
  });

  test("a TLS handshake that does not come about at all", async () => {
    const server = await silentServer();
    const { port } = server.address() as AddressInfo;
    const driver = dynamodbDriver({ table, endpoint: `https://127.0.0.1:${port}` });
    const reason = "ConnectionTimeout";
    expect(await faultOf(driver)).toEqual({ code: "unavailable", retryable: true, effect: "none", reason });
    await driver.close();
    server.close();
  });

  test("a server that does not speak TLS", async () => {
    const driver = dynamodbDriver({ table, endpoint: endpoint.replace("http:", "https:") });
    expect(await faultOf(driver)).toMatchObject({ code: "connection-lost", effect: "none" });
    await driver.close();
  });

  test("requests that waited for a socket", async () => {
    await using proxy = await startProxy(endpoint);
    proxy.handler = hang;
    const driver = dynamodbDriver({ table, endpoint: proxy.url });
    const controller = new AbortController();
    setMaxListeners(0, controller.signal);
    const faults = Array.from({ length: 70 }, () => faultOf(driver, controller.signal));
    while (proxy.count() < 64) await new Promise((resolve) => setTimeout(resolve, 10));
    controller.abort();
    const effects = (await Promise.all(faults)).map((fault) => fault.effect);
    expect(effects.filter((effect) => effect === "unknown")).toHaveLength(64);
    expect(effects.filter((effect) => effect === "none")).toHaveLength(6);
    expect(proxy.count()).toBe(64);
    await driver.close();
  });

  test("a request whose credentials come too late is never sent", async () => {
    await using proxy = await startProxy(endpoint);
    let give: (found: typeof credentials) => void = () => {};
    const found = new Promise<typeof credentials>((resolve) => {
      give = resolve;
    });
    const driver = dynamodbDriver({ table, endpoint: proxy.url, credentials: () => found });
    expect(await faultOf(driver, AbortSignal.timeout(100))).toMatchObject({
      code: "timeout",
      effect: "none",
    });
    give(credentials);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(proxy.count()).toBe(0);
    await driver.close();
  });

  test("a request without credentials", async () => {
    const none = () => Promise.reject(Object.assign(new Error("none"), { name: "CredentialsProviderError" }));
    const driver = dynamodbDriver({ table, endpoint, credentials: none });
    const reason = "CredentialsProviderError";
    expect(await faultOf(driver)).toEqual({
      code: "access-denied",
      retryable: false,
      effect: "none",
      reason,
    });
    await driver.close();
  });
});

describe("credentials that cannot be had or used: nothing was sent", () => {
  const unavailable = { code: "unavailable", retryable: true, reason: "the provider of credentials failed" };
  const provider = (error: object): (() => Promise<never>) => {
    return () => Promise.reject(Object.assign(new Error("canary"), error));
  };
  const unusable = { code: "access-denied", retryable: false };

  test.each([
    ["a provider that fails for reasons of its own", provider({}), unavailable],
    ["a provider whose vault lacks the secret", provider({ name: "ResourceNotFoundException" }), unavailable],
    [
      "a provider whose connection was lost",
      provider({ code: "ECONNRESET" }),
      { code: "connection-lost", retryable: true, reason: "ECONNRESET" },
    ],
    [
      "a provider whose service failed",
      provider({ name: "InternalFailure", $metadata: { httpStatusCode: 500 } }),
      { code: "unavailable", retryable: true, reason: "InternalFailure" },
    ],
    [
      "a provider that may not ask",
      provider({ name: "AccessDenied", $metadata: { httpStatusCode: 403 } }),
      { code: "access-denied", retryable: false, reason: "AccessDenied" },
    ],
    ["a token that ends with a line break", { ...credentials, sessionToken: "canary\n" }, unusable],
    ["a key with a line break", { ...credentials, accessKeyId: "can\nary" }, unusable],
  ] as const)("%s", async (_, found, expected) => {
    await using proxy = await startProxy(endpoint);
    const driver = dynamodbDriver({ table, endpoint: proxy.url, credentials: found });
    const fault = await faultOf(driver);
    expect(fault).toMatchObject({ ...expected, effect: "none" });
    expect(JSON.stringify(fault)).not.toContain("canary");
    expect(proxy.count()).toBe(0);
    await driver.close();
  });

  test("a destination that cannot be found", async () => {
    const region = (): Promise<string> => Promise.reject(new Error("canary"));
    const client = new DynamoDBClient({ region, credentials });
    const transport = new DirectTransport(client, table);
    const failure = await transport.send("BatchWriteItem", "{}", new AbortController().signal).then(
      () => expect.fail("it resolved"),
      (reason: unknown) => reason,
    );
    expect(classify(failure)).toMatchObject({ code: "internal", effect: "none" });
    transport.close();
  });
});

describe("signing", () => {
  test("renewed credentials are used as soon as the old ones end", async () => {
    await using proxy = await startProxy(endpoint);
    const seen: string[] = [];
    proxy.handler = (passage) => {
      seen.push(/Credential=(\w+)/.exec(passage.headers.authorization ?? "")?.[1] ?? "");
      return answerJson(200, { UnprocessedItems: {} })(passage);
    };
    let number = 0;
    const renewed: DynamodbDriverOptions["credentials"] = async () => {
      number++;
      return {
        accessKeyId: `ID${number}`,
        secretAccessKey: "secret",
        expiration: new Date(Date.now() + 1_000),
      };
    };
    const driver = dynamodbDriver({ table, endpoint: proxy.url, credentials: renewed });
    await driver.set(request(write));
    const before = number;
    await driver.set(request(write));
    expect(number).toBeGreaterThan(before);
    expect(seen.at(-1)).not.toBe(seen[0]);
    await driver.close();
  });

  test("a clock that is wrong by an hour is set by the answer, and the batch succeeds", async () => {
    await using proxy = await startProxy(endpoint);
    const ahead = 3_600_000;
    let refusals = 0;
    proxy.handler = (passage) => {
      const stamp = String(passage.headers["x-amz-date"]);
      const signed = Date.parse(stamp.replace(/^(....)(..)(..T..)(..)(..)Z$/, "$1-$2-$3:$4:$5Z"));
      if (Math.abs(Date.now() + ahead - signed) < 300_000) return passThrough(passage);
      refusals++;
      const date = new Date(Date.now() + ahead).toUTCString();
      const body = Buffer.from('{"__type":"com.amazon.coral.service#InvalidSignatureException"}');
      return passage.reply({ status: 400, headers: { date }, body });
    };
    const store = dynamodbStore({ table, endpoint: proxy.url });
    const bucket = await store.open("clock");
    await bucket.setMany(Array.from({ length: 500 }, (_, index) => [`key-${index}`, new Uint8Array()]));
    expect(refusals).toBeGreaterThan(0);
    await bucket.set("later", new Uint8Array());
    await store.close();
  });

  test("a signature that is refused by a clock that agrees is access-denied", async () => {
    await using proxy = await startProxy(endpoint);
    const body = Buffer.from('{"__type":"com.amazon.coral.service#InvalidSignatureException"}');
    proxy.handler = (passage) => passage.reply({ status: 400, body });
    const driver = dynamodbDriver({ table, endpoint: proxy.url });
    expect(await faultOf(driver)).toMatchObject({ code: "access-denied", retryable: false, effect: "none" });
    await driver.close();
  });
});

test("the error's name is also read from the header, with a prefix and a suffix", async () => {
  await using proxy = await startProxy(endpoint);
  const driver = dynamodbDriver({ table, endpoint: proxy.url });
  const type = "com.amazonaws.dynamodb.v20120810#ThrottlingException:http://internal.amazon.com/coral/";
  proxy.handler = (passage) => passage.reply({ status: 400, headers: { "x-amzn-errortype": type } });
  expect(await faultOf(driver)).toMatchObject({ code: "throttled", reason: "ThrottlingException" });
  await driver.close();
});
