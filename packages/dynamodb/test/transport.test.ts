import { setMaxListeners } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:net";
import { answerJson, passThrough } from "@manykv/conformance/faults";
import { createStore } from "@manykv/core";
import type { Driver, Fault } from "@manykv/core/driver";
import { describe, expect, test, vi } from "vitest";
import { hang } from "./support/behaviours.js";
import { openDriver, warmUp, ways } from "./support/driver-under-faults.js";
import { request } from "./support/request.js";
import { startProxy } from "./support/start-proxy.js";
import { testTable } from "./support/test-table.js";

const { name: table, endpoint } = testTable();
const region = "us-east-1";
const write = { keys: ["key"], values: [new Uint8Array([1])] };
const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" };

async function faultOf(driver: Driver, signal = new AbortController().signal): Promise<Fault> {
  const error = await driver.set(request({ ...write, signal })).then(
    () => expect.fail("the call must reject, but resolved"),
    (reason: unknown) => reason,
  );
  return driver.classify(error);
}

/** Starts a server that accepts connections and sends nothing. */
async function silentServer(): Promise<Server & AsyncDisposable> {
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((socket) => sockets.add(socket.on("error", () => {})));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(server, {
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
}

describe.each(ways)("%s: a write has no effect", (way) => {
  test("if it is aborted during the TLS handshake", async () => {
    await using server = await silentServer();
    const { port } = server.address() as AddressInfo;
    await using opened = openDriver(way, table, { region, credentials, endpoint: `https://127.0.0.1:${port}` });
    const fault = await faultOf(opened.driver, AbortSignal.timeout(200));
    expect(fault).toMatchObject({ code: "timeout", effect: "none" });
  });

  test("if the server does not support TLS", async () => {
    const url = endpoint.replace("http:", "https:");
    await using opened = openDriver(way, table, { region, credentials, endpoint: url });
    expect(await faultOf(opened.driver)).toMatchObject({ code: "unavailable", retryable: false, effect: "none" });
  });

  test.each(["+PONG\r\n", "\x15\x03\x01\x00\x02\x02\x46", "220 mail.invalid ESMTP\r\n"])(
    "or an unknown effect, and is not repeated, if the server has never spoken HTTP: %j",
    async (text) => {
      await using server = await silentServer();
      server.on("connection", (socket) => socket.on("data", () => socket.write(text)));
      const { port } = server.address() as AddressInfo;
      await using opened = openDriver(way, table, { region, credentials, endpoint: `http://127.0.0.1:${port}` });
      const fault = await faultOf(opened.driver);
      expect(fault).toMatchObject({ code: "unavailable", retryable: false, effect: "unknown" });
      expect(fault.reason).toContain("`endpoint`");
    },
  );

  test("if the credentials arrive too late", async () => {
    await using proxy = await startProxy(endpoint);
    let provide: (found: typeof credentials) => void = () => {};
    const found = new Promise<typeof credentials>((resolve) => {
      provide = resolve;
    });
    await using opened = openDriver(way, table, { region, endpoint: proxy.url, credentials: () => found });
    expect(await faultOf(opened.driver, AbortSignal.timeout(100))).toMatchObject({
      code: "timeout",
      effect: "none",
    });
    provide(credentials);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(proxy.count()).toBe(0);
  });

  test("if the region cannot be found", async () => {
    const unknown = (): Promise<string> => Promise.reject(new Error("canary"));
    const missing = (): Promise<string> => Promise.reject(new Error("Region is missing"));
    for (const [find, code] of [
      [unknown, "internal"],
      [missing, "invalid-argument"],
    ] as const) {
      // The `region` option accepts only a name.
      await using opened = openDriver(way === "our own client" ? "a caller's client" : way, table, {
        region: find,
        credentials,
      });
      expect(await faultOf(opened.driver)).toMatchObject({ code, effect: "none" });
    }
  });
});

describe("our own client", () => {
  test("reports a TLS handshake that takes too long as unavailable", async () => {
    await using server = await silentServer();
    const { port } = server.address() as AddressInfo;
    await using opened = openDriver("our own client", table, {
      region,
      credentials,
      endpoint: `https://127.0.0.1:${port}`,
    });
    const reason = "ConnectionTimeout";
    expect(await faultOf(opened.driver)).toEqual({
      code: "unavailable",
      retryable: true,
      effect: "none",
      reason,
    });
  });

  test.each([
    ["before", false],
    ["after", true],
  ])("a cancelled request that waits for a socket has no effect, %s the first response", async (_, isWarm) => {
    await using proxy = await startProxy(endpoint);
    await using opened = openDriver("our own client", table, { endpoint: proxy.url });
    if (isWarm) await warmUp(opened.driver);
    const before = proxy.count();
    proxy.handler = hang;
    const controller = new AbortController();
    setMaxListeners(0, controller.signal);
    const faults = Array.from({ length: 70 }, () => faultOf(opened.driver, controller.signal));
    while (proxy.count() < before + 64) await new Promise((resolve) => setTimeout(resolve, 10));
    controller.abort();
    const effects = (await Promise.all(faults)).map((fault) => fault.effect);
    expect(effects.filter((effect) => effect === "unknown")).toHaveLength(64);
    expect(effects.filter((effect) => effect === "none")).toHaveLength(6);
    expect(proxy.count()).toBe(before + 64);
  });

  test("searches again for credentials if the first search has not ended after 30 seconds", async () => {
    await using proxy = await startProxy(endpoint);
    let searches = 0;
    const provide = (): Promise<typeof credentials> =>
      ++searches === 1 ? new Promise(() => {}) : Promise.resolve(credentials);
    await using opened = openDriver("our own client", table, { region, endpoint: proxy.url, credentials: provide });
    const early = { code: "timeout", effect: "none" };
    expect(await faultOf(opened.driver, AbortSignal.timeout(50))).toMatchObject(early);
    expect(await faultOf(opened.driver, AbortSignal.timeout(50))).toMatchObject(early);
    const now = performance.now.bind(performance);
    const clock = vi.spyOn(performance, "now").mockImplementation(() => now() + 31_000);
    await opened.driver.set(request(write));
    clock.mockRestore();
    expect(searches).toBe(2);
  });

  test("reports the server's address after the first request", async () => {
    await using opened = openDriver("our own client", table, { endpoint });
    expect(opened.driver.server).toBeUndefined();
    await warmUp(opened.driver);
    const { hostname, port } = new URL(endpoint);
    expect(opened.driver.server).toEqual({ address: hostname, port: Number(port) });
  });
});

describe.each(ways)("%s: nothing is sent with unusable credentials", (way) => {
  const unavailable = { code: "unavailable", retryable: true, reason: "the credentials provider failed" };
  const provider = (error: object): (() => Promise<never>) => {
    return () => Promise.reject(Object.assign(new Error("canary"), error));
  };
  const unusable = { code: "access-denied", retryable: false };
  const noKey = "the credentials provider returned no access key";

  test.each([
    [
      "a provider without credentials",
      provider({ name: "CredentialsProviderError" }),
      { ...unusable, reason: "CredentialsProviderError" },
    ],
    ["a provider that throws an unknown error", provider({}), unavailable],
    ["a provider that does not find its secret", provider({ name: "ResourceNotFoundException" }), unavailable],
    [
      "a provider that lost its connection",
      provider({ code: "ECONNRESET" }),
      { code: "connection-lost", retryable: true, reason: "ECONNRESET" },
    ],
    [
      "a provider whose service failed",
      provider({ name: "InternalFailure", $metadata: { httpStatusCode: 500 } }),
      { code: "unavailable", retryable: true, reason: "InternalFailure" },
    ],
    [
      "a provider without permission",
      provider({ name: "AccessDenied", $metadata: { httpStatusCode: 403 } }),
      { code: "access-denied", retryable: false, reason: "AccessDenied" },
    ],
    [
      "a provider that throws synchronously",
      () => {
        throw new Error("canary");
      },
      unavailable,
    ],
    ["a provider that returns nothing", async () => undefined as never, unavailable],
    [
      "a provider that returns no access key",
      async () => ({ secretAccessKey: "canary" }) as never,
      { ...unusable, reason: noKey },
    ],
    ["a session token that ends with a line break", { ...credentials, sessionToken: "canary\n" }, unusable],
    ["an access key with a line break", { ...credentials, accessKeyId: "can\nary" }, unusable],
  ] as const)("%s", async (_, found, expected) => {
    await using proxy = await startProxy(endpoint);
    await using opened = openDriver(way, table, { region, endpoint: proxy.url, credentials: found });
    const fault = await faultOf(opened.driver);
    expect(fault).toMatchObject({ ...expected, effect: "none" });
    expect(JSON.stringify(fault)).not.toContain("canary");
    expect(proxy.count()).toBe(0);
  });
});

describe.each(ways)("%s: signatures", (way) => {
  test("are made with renewed credentials as soon as the old credentials expire", async () => {
    await using proxy = await startProxy(endpoint);
    const seen: string[] = [];
    proxy.handler = (passage) => {
      seen.push(/Credential=(\w+)/.exec(passage.headers.authorization ?? "")?.[1] ?? "");
      return answerJson(200, { UnprocessedItems: {} })(passage);
    };
    let number = 0;
    let expiration = new Date(Date.now() + 1_000);
    const renewed = async () => ({ accessKeyId: `ID${++number}`, secretAccessKey: "secret", expiration });
    await using opened = openDriver(way, table, { region, endpoint: proxy.url, credentials: renewed });
    await opened.driver.set(request(write));
    expiration = new Date(Date.now() + 3_600_000);
    for (let round = 0; round < 4; round++) await opened.driver.set(request(write));
    expect(seen.at(-1)).not.toBe(seen[0]);
    expect(seen.at(-1)).toBe(seen.at(-2));
  });

  test.each([
    ["on the first request", false],
    ["on later requests", true],
  ])("are corrected if the clock is wrong by an hour, %s", async (_, isWarm) => {
    await using proxy = await startProxy(endpoint);
    const ahead = 3_600_000;
    let refusals = 0;
    await using opened = openDriver(way, table, { endpoint: proxy.url });
    const store = createStore(opened.driver);
    if (isWarm) await warmUp(opened.driver);
    proxy.handler = (passage) => {
      const stamp = String(passage.headers["x-amz-date"]);
      const signed = Date.parse(stamp.replace(/^(....)(..)(..T..)(..)(..)Z$/, "$1-$2-$3:$4:$5Z"));
      if (Math.abs(Date.now() + ahead - signed) < 300_000) return passThrough(passage);
      refusals++;
      const date = new Date(Date.now() + ahead).toUTCString();
      const body = Buffer.from('{"__type":"com.amazon.coral.service#InvalidSignatureException"}');
      return passage.reply({ status: 400, headers: { date }, body });
    };
    const bucket = await store.open("clock");
    await bucket.setMany(Array.from({ length: 500 }, (_, index) => [`key-${index}`, new Uint8Array()]));
    expect(refusals).toBeGreaterThan(0);
    await bucket.set("later", new Uint8Array());
  });

  test("cause access-denied if the server rejects them and the clocks agree", async () => {
    await using proxy = await startProxy(endpoint);
    await using opened = openDriver(way, table, { endpoint: proxy.url });
    await warmUp(opened.driver);
    const body = Buffer.from('{"__type":"com.amazon.coral.service#InvalidSignatureException"}');
    proxy.handler = (passage) => passage.reply({ status: 400, body });
    expect(await faultOf(opened.driver)).toMatchObject({
      code: "access-denied",
      retryable: false,
      effect: "none",
    });
  });
});

describe.each(ways)("%s", (way) => {
  test("reads the error's name from the header, without prefix and suffix", async () => {
    await using proxy = await startProxy(endpoint);
    await using opened = openDriver(way, table, { endpoint: proxy.url });
    const type = "com.amazonaws.dynamodb.v20120810#ThrottlingException:http://internal.amazon.com/coral/";
    for (let round = 0; round < 2; round++) {
      proxy.handler = (passage) => passage.reply({ status: 400, headers: { "x-amzn-errortype": type } });
      expect(await faultOf(opened.driver)).toMatchObject({ code: "throttled", reason: "ThrottlingException" });
      proxy.handler = passThrough;
      await warmUp(opened.driver);
    }
  });

  test.each([
    ["InternalServerError", 500],
    ["ThrottlingException", 400],
  ])("sends a request once on %s", async (name, status) => {
    await using proxy = await startProxy(endpoint);
    await using opened = openDriver(way, table, {
      endpoint: proxy.url,
      ...(way !== "our own client" && { maxAttempts: 3 }),
    });
    for (let round = 1; round <= 2; round++) {
      proxy.handler = answerJson(status, { __type: name });
      await faultOf(opened.driver);
      expect(proxy.count("BatchWriteItem")).toBe(round);
      proxy.handler = passThrough;
      await warmUp(opened.driver);
    }
  });
});
