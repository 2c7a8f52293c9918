import { createServer, request as httpRequest, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect, type Socket } from "node:net";
import type { Driver } from "@manykv/core";
import type { Fault } from "@manykv/core/driver";
import { certificate, privateKey } from "@manykv/test-services";
import { afterEach, describe, expect, test, vi } from "vitest";
import { dynamodbDriver } from "../src/index.js";
import { request } from "./support/request.js";
import { testTable } from "./support/test-table.js";

const { name: table, endpoint } = testTable();
const connection = { region: "us-east-1", credentials: { accessKeyId: "a", secretAccessKey: "b" } };

afterEach(() => vi.unstubAllEnvs());

interface Listening extends AsyncDisposable {
  readonly port: number;
}

async function listen(server: Server): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket.on("error", () => {})));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port, [Symbol.asyncDispose]: close };
}

interface Proxy extends Listening {
  readonly url: string;
  /** The targets of requests and tunnels, in order. */
  readonly targets: string[];
  readonly logins: unknown[];
  /** Status of the response to a CONNECT request. `undefined`: the proxy does not respond. */
  status: number | undefined;
}

/** Starts an HTTP proxy that forwards requests and opens tunnels. */
async function startHttpProxy(): Promise<Proxy> {
  const targets: string[] = [];
  const logins: unknown[] = [];
  const server = createServer((incoming, outgoing) => {
    targets.push(String(incoming.url));
    logins.push(incoming.headers["proxy-authorization"]);
    const url = new URL(String(incoming.url));
    const { "proxy-authorization": _, ...headers } = incoming.headers;
    const forwarded = httpRequest(url, { method: incoming.method ?? "GET", headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(forwarded);
  });
  server.on("connect", (incoming, socket: Socket) => {
    targets.push(String(incoming.url));
    logins.push(incoming.headers["proxy-authorization"]);
    socket.on("error", () => {});
    if (proxy.status === undefined) return;
    if (proxy.status !== 200) return void socket.end(`HTTP/1.1 ${proxy.status} No\r\ncontent-length: 0\r\n\r\n`);
    const [host, port] = String(incoming.url).split(":");
    const target = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      target.pipe(socket).pipe(target);
    });
    target.on("error", () => socket.destroy());
  });
  const listening = await listen(server);
  const url = `http://127.0.0.1:${listening.port}`;
  const proxy: Proxy = Object.assign(listening, { url, targets, logins, status: 200 });
  return proxy;
}

/** Starts a DynamoDB endpoint with TLS that finds no item. */
function startTlsEndpoint(): Promise<Listening> {
  const body = JSON.stringify({ Responses: { [table]: [] }, UnprocessedKeys: {} });
  const server = createTlsServer({ cert: certificate, key: privateKey }, (incoming, outgoing) => {
    incoming.resume();
    incoming.on("end", () => outgoing.end(body));
  });
  return listen(server as unknown as Server);
}

async function faultOf(driver: Driver): Promise<Fault> {
  const error: unknown = await driver.get(request({ keys: ["key"] })).then(
    () => expect.fail("the call must reject, but resolved"),
    (reason: unknown) => reason,
  );
  return driver.classify(error);
}

describe("a client that manykv creates", () => {
  test.each(["HTTP_PROXY", "http_proxy"])(
    "sends requests for http:// endpoints to the proxy in %s",
    async (variable) => {
      await using proxy = await startHttpProxy();
      vi.stubEnv(variable, proxy.url.replace("//", "//us%40er:pass@"));
      const driver = dynamodbDriver({ table, endpoint });
      const values = [new Uint8Array([1])];
      await driver.set(request({ bucket: "proxied", keys: ["key"], values }));
      expect((await driver.get(request({ bucket: "proxied", keys: ["key"] }))).values).toEqual(values);
      expect(proxy.targets).toEqual([`${endpoint}/`, `${endpoint}/`]);
      expect(proxy.logins).toEqual(new Array(2).fill(`Basic ${Buffer.from("us@er:pass").toString("base64")}`));
      expect(driver.server?.port).toBe(Number(new URL(endpoint).port));
      await driver.close();
    },
  );

  test("reaches https:// endpoints through a tunnel, and keeps the tunnel open", async () => {
    await using proxy = await startHttpProxy();
    await using server = await startTlsEndpoint();
    vi.stubEnv("HTTPS_PROXY", proxy.url.replace("//", "//user:pass@"));
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    const driver = dynamodbDriver({ table, endpoint: `https://127.0.0.1:${server.port}`, ...connection });
    for (let round = 0; round < 3; round++)
      expect((await driver.get(request({ keys: ["key"] }))).values).toEqual([undefined]);
    expect(proxy.targets).toEqual([`127.0.0.1:${server.port}`]);
    expect(proxy.logins).toEqual([`Basic ${Buffer.from("user:pass").toString("base64")}`]);
    await driver.close();
  });

  test("verifies the certificate of the endpoint behind the proxy", async () => {
    await using proxy = await startHttpProxy();
    await using server = await startTlsEndpoint();
    vi.stubEnv("HTTPS_PROXY", proxy.url);
    const driver = dynamodbDriver({ table, endpoint: `https://127.0.0.1:${server.port}`, ...connection });
    expect(await faultOf(driver)).toMatchObject({ code: "unavailable", retryable: false, effect: "none" });
    expect(proxy.targets).toHaveLength(1);
    await driver.close();
  });

  test.each([
    [407, "access-denied", false],
    [403, "access-denied", false],
    [502, "unavailable", true],
  ])("fails with nothing sent if the proxy answers with %i", async (status, code, retryable) => {
    await using proxy = await startHttpProxy();
    proxy.status = status;
    vi.stubEnv("HTTPS_PROXY", proxy.url);
    const driver = dynamodbDriver({ table, endpoint: "https://dynamodb.invalid", ...connection });
    expect(await faultOf(driver)).toMatchObject({ code, retryable, effect: "none" });
    expect(proxy.targets).toEqual(["dynamodb.invalid:443"]);
    await driver.close();
  });

  test.each(["http://us%zz:pw@proxy", "ftp://proxy", "http://"])(
    "a proxy variable like %s is rejected",
    async (url) => {
      vi.stubEnv("HTTPS_PROXY", url);
      const driver = dynamodbDriver({ table, endpoint: "https://dynamodb.invalid", ...connection });
      expect(await faultOf(driver)).toMatchObject({ code: "invalid-argument", retryable: false, effect: "none" });
      await driver.close();
    },
  );

  test("fails with nothing sent if the proxy does not respond, and leaves no connection", async () => {
    await using proxy = await startHttpProxy();
    proxy.status = undefined;
    vi.stubEnv("HTTPS_PROXY", proxy.url);
    const driver = dynamodbDriver({ table, endpoint: "https://dynamodb.invalid", ...connection });
    const signal = AbortSignal.timeout(300);
    const error: unknown = await driver.get(request({ keys: ["key"], signal })).catch((reason: unknown) => reason);
    expect(driver.classify(error)).toMatchObject({ code: "timeout", effect: "none" });
    expect(await faultOf(driver)).toMatchObject({ code: "unavailable", retryable: true, effect: "none" });
    await driver.close();
  });

  test("fails if the proxy cannot be reached", async () => {
    vi.stubEnv("HTTP_PROXY", "127.0.0.1:1");
    const driver = dynamodbDriver({ table, endpoint });
    expect(await faultOf(driver)).toMatchObject({ code: "unavailable", effect: "none", reason: "ECONNREFUSED" });
    await driver.close();
  });

  test.each(["socks5://user:canary@127.0.0.1:1", "http://"])("refuses the proxy %s without showing it", async (url) => {
    vi.stubEnv("HTTP_PROXY", url);
    const driver = dynamodbDriver({ table, endpoint });
    const fault = await faultOf(driver);
    expect(fault).toMatchObject({ code: "invalid-argument", retryable: false, effect: "none" });
    expect(fault.reason).toContain("HTTP_PROXY");
    expect(fault.reason).not.toContain("canary");
    await driver.close();
  });

  test.each([
    ["*", true],
    ["{host}", true],
    ["other,{host}:{port}", true],
    [".{host}", true],
    ["{host}:1", false],
    ["t", false],
    ["", false],
  ])("with NO_PROXY=%j", async (pattern, isDirect) => {
    await using proxy = await startHttpProxy();
    const { hostname, port } = new URL(endpoint);
    vi.stubEnv("HTTP_PROXY", proxy.url);
    vi.stubEnv("NO_PROXY", pattern.replace("{host}", hostname).replace("{port}", port));
    const driver = dynamodbDriver({ table, endpoint });
    await driver.get(request({ keys: ["key"] }));
    expect(proxy.targets).toHaveLength(isDirect ? 0 : 1);
    await driver.close();
  });
});
