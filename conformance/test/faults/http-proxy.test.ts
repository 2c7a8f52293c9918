import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  answerJson,
  delayHttp,
  dropHttp,
  firstRequests,
  HttpProxy,
  resetHttp,
  rewriteAnswer,
} from "../../src/faults/http-proxy.js";

let echo: Server;
let received: string[];
let proxy: HttpProxy;

beforeEach(async () => {
  received = [];
  echo = createServer(async (request, response) => {
    const body = String(await buffer(request));
    received.push(body);
    response.writeHead(200, { "x-mark": "echo" }).end(body);
  });
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  const { port } = echo.address() as AddressInfo;
  proxy = await HttpProxy.start({ host: "127.0.0.1", port });
});

afterEach(async () => {
  await proxy[Symbol.asyncDispose]();
  echo.closeAllConnections();
  echo.close();
});

test("forwards requests and responses, and counts requests by operation", async () => {
  const response = await post("/write", "hello");
  expect([response.status, response.headers.get("x-mark"), await response.text()]).toEqual([200, "echo", "hello"]);
  await post("/read", "x");
  expect([proxy.count("/write"), proxy.count("/read"), proxy.count()]).toEqual([1, 1, 2]);
});

test("responds in place of the server to the first request of each operation", async () => {
  proxy.handler = firstRequests(1, answerJson(503, { error: "busy" }));
  const refused = await post("/write", "hello");
  expect([refused.status, await refused.json()]).toEqual([503, { error: "busy" }]);
  expect((await post("/write", "hello")).status).toBe(200);
  expect((await post("/read", "hello")).status).toBe(503);
  expect(received).toEqual(["hello"]);
});

test.each(["request", "answer"] as const)("resets the connection instead of forwarding the %s", async (direction) => {
  proxy.handler = resetHttp(direction);
  await expect(post("/write", "hello")).rejects.toThrow();
  expect(received).toEqual(direction === "answer" ? ["hello"] : []);
});

test.each(["request", "answer"] as const)("drops the %s, so the client receives no response", async (direction) => {
  proxy.handler = dropHttp(direction);
  const controller = new AbortController();
  const answered = post("/write", "hello", controller.signal);
  await expect.poll(() => (direction === "answer" ? received.length : proxy.count())).toBe(1);
  controller.abort();
  await expect(answered).rejects.toThrow(/abort/i);
  expect(received).toEqual(direction === "answer" ? ["hello"] : []);
});

test("delays a request", async () => {
  proxy.handler = delayHttp(30);
  const start = performance.now();
  expect(await (await post("/write", "hello")).text()).toBe("hello");
  expect(performance.now() - start).toBeGreaterThan(25);
});

test("rewrites requests and responses, and sets their content length", async () => {
  proxy.handler = async (exchange) => exchange.reply(await exchange.forward(Buffer.from("another request")));
  expect(await (await post("/write", "hello")).text()).toBe("another request");
  proxy.handler = rewriteAnswer(({ body }) => ({ status: 207, body: body.subarray(0, 2) }));
  const response = await post("/write", "hello");
  expect([response.status, await response.text()]).toEqual([207, "he"]);
});

test("sends half of a response, then resets the connection", async () => {
  proxy.handler = async (exchange) => exchange.replyHalf(await exchange.forward());
  const response = await post("/write", "hello");
  await expect(response.text()).rejects.toThrow();
});

test("closes while a request is in flight", async () => {
  proxy.handler = () => {};
  const waiting = post("/write", "hello").catch((error: unknown) => error);
  while (proxy.count() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await proxy[Symbol.asyncDispose]();
  expect(await waiting).toBeInstanceOf(Error);
  proxy = await HttpProxy.start({ host: "127.0.0.1", port: 1 });
});

function post(path: string, body: string, signal?: AbortSignal): Promise<Response> {
  return fetch(`${proxy.url}${path}`, { method: "POST", body, ...(signal && { signal }) });
}
