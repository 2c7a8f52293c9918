import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ConnectionFault } from "../../src/faults/connection-fault.js";
import { ProxySet } from "../../src/faults/proxy-set.js";
import { type Address, TcpProxy } from "../../src/faults/tcp-proxy.js";
import { certificate, privateKey } from "./certificate.js";

let echo: Server;
let received: Buffer[];
let proxy: TcpProxy;

beforeEach(async () => {
  received = [];
  echo = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      received.push(chunk);
      socket.write(chunk);
    });
  });
  proxy = await TcpProxy.start(await listen(echo));
});

afterEach(async () => {
  await proxy[Symbol.asyncDispose]();
  await new Promise((resolve) => echo.close(resolve));
});

test("forwards all bytes and counts them", async () => {
  const client = await dial();
  expect(await ask(client, "hello")).toBe("hello");
  expect(proxy.counts).toEqual({ connections: 1, requestBytes: 5, answerBytes: 5, faults: 0 });
});

test("cut: closes both sides after the given number of bytes", async () => {
  const client = await dial();
  proxy.arm({ kind: "cut", direction: "request", after: { bytes: 3 } });
  client.write("hello");
  expect(await textUntilClosed(client)).toBe("");
  await expect.poll(text).toBe("hel");
  expect(proxy.counts.faults).toBe(1);
});

test("reset: the client sees a reset before the response", async () => {
  const client = await dial();
  proxy.arm({ kind: "reset", direction: "answer" });
  client.write("hello");
  const [error] = (await once(client, "error")) as [NodeJS.ErrnoException];
  expect(error.code).toBe("ECONNRESET");
  expect(text()).toBe("hello");
});

test("drop: the request never arrives, and the connection stays open", async () => {
  const client = await dial();
  proxy.arm({ kind: "drop", direction: "request", after: { messages: 1 } });
  expect(await ask(client, "first")).toBe("first");
  client.write("second");
  await quiet();
  expect(text()).toBe("first");
  expect(client.destroyed).toBe(false);
});

test("drop: the server receives the request, and the response never arrives", async () => {
  const client = await dial();
  proxy.arm({ kind: "drop", direction: "answer" });
  let answered = false;
  client.on("data", () => {
    answered = true;
  });
  client.write("hello");
  await expect.poll(text).toBe("hello");
  await quiet();
  expect(answered).toBe(false);
});

test("hold: heal() sends the held bytes, even if the client has closed its connection", async () => {
  const client = await dial();
  proxy.arm({ kind: "hold", direction: "request" });
  client.write("late");
  await quiet();
  client.destroy();
  await quiet();
  expect(received).toEqual([]);
  proxy.heal();
  await expect.poll(text).toBe("late");
});

test("half-open: discards bytes and keeps the client's connection open", async () => {
  const client = await dial();
  proxy.arm({ kind: "half-open", direction: "request" });
  client.write("hello");
  await quiet();
  expect(received).toEqual([]);
  expect(client.destroyed).toBe(false);
});

test("slice: all bytes arrive in order, in pieces", async () => {
  const client = await dial();
  proxy.arm({ kind: "slice", direction: "request", scope: "all" });
  expect(await ask(client, "a longer message")).toBe("a longer message");
  expect(received.length).toBeGreaterThan(1);
});

test("garble: the same number of bytes arrives, but the bytes differ", async () => {
  const client = await dial();
  proxy.arm({ kind: "garble", direction: "answer", after: { bytes: 2 } });
  const answer = await ask(client, "hello");
  expect(answer.slice(0, 2)).toBe("he");
  expect(answer).not.toBe("hello");
});

test("a fault affects one connection by default", async () => {
  const clients = [await dial(), await dial()];
  proxy.arm({ kind: "cut", direction: "request" });
  const [one, other] = clients as [Socket, Socket];
  one.write("one");
  expect(await textUntilClosed(one)).toBe("");
  expect(await ask(other, "other")).toBe("other");
});

test("refuse: closes open connections and, until heal(), resets new ones", async () => {
  const client = await dial();
  const closed = once(client, "close");
  proxy.refuse();
  await closed;
  const refused = connect(proxy.address);
  const [error] = (await once(refused, "error")) as [NodeJS.ErrnoException];
  expect(error.code).toBe("ECONNRESET");
  proxy.heal();
  expect(await ask(await dial(), "again")).toBe("again");
});

test("scope all: affects every open connection and, until heal(), every new one", async () => {
  const clients = [await dial(), await dial()] as const;
  const closed = Promise.all(clients.map(closedOf));
  proxy.arm({ kind: "reset", direction: "request", scope: "all" });
  clients[0].write("hello");
  await closed;
  await closedOf(connect(proxy.address));
  expect(proxy.counts.faults).toBe(1);
  proxy.heal();
  expect(await ask(await dial(), "again")).toBe("again");
});

test("hold with milliseconds: sends the held bytes after this time", async () => {
  const client = await dial();
  proxy.arm({ kind: "hold", direction: "answer", milliseconds: 20 });
  expect(await ask(client, "hello")).toBe("hello");
});

test("hold: the time limit of a healed hold does not release a later hold", async () => {
  const client = await dial();
  expect(await ask(client, "first")).toBe("first");
  proxy.last.apply({ kind: "hold", direction: "request", milliseconds: 100 });
  proxy.heal();
  proxy.last.hold("request");
  client.write("second");
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(text()).toBe("first");
  expect(proxy.last.waiting("request")).toBe(6);
});

test("disarm: removes a fault that has not begun", async () => {
  const client = await dial();
  proxy.arm({ kind: "cut", direction: "request" });
  proxy.disarm();
  expect(await ask(client, "hello")).toBe("hello");
});

test("a test can hold, count and release the bytes of a connection", async () => {
  const client = await dial();
  expect(await ask(client, "first")).toBe("first");
  proxy.last.hold("answer");
  client.write("second");
  await expect.poll(() => proxy.last.waiting("answer")).toBe(6);
  client.once("data", (chunk) => expect(String(chunk)).toBe("second"));
  proxy.last.release("answer");
  await once(client, "data");
  expect(await ask(client, "third")).toBe("third");
});

test("intercept can replace a chunk, discard a chunk and send a response", async () => {
  proxy.intercept = (chunk, direction, connection) => {
    if (direction === "answer") return Buffer.from(String(chunk).toUpperCase());
    if (String(chunk) !== "secret") return chunk;
    connection.send("answer", Buffer.from("hidden"));
    return undefined;
  };
  const client = await dial();
  expect(await ask(client, "hello")).toBe("HELLO");
  expect(await ask(client, "secret")).toBe("hidden");
  expect(text()).toBe("hello");
});

test("latency delays bytes and keeps their order", async () => {
  await using slow = await TcpProxy.start(proxy.address, { latency: { request: 30 } });
  const client = connect(slow.address);
  const start = performance.now();
  client.write("one ");
  client.write("two");
  expect(await ask(client, "", 7)).toBe("one two");
  expect(performance.now() - start).toBeGreaterThan(25);
  client.destroy();
});

test("a proxy can use TLS to the client or to the server", async () => {
  const tls = { cert: certificate, key: privateKey };
  await using inner = await TcpProxy.start(proxy.address, { clientTls: tls });
  await using outer = await TcpProxy.start(inner.address, { serverTls: { rejectUnauthorized: false } });
  const plain = connect(outer.address);
  expect(await ask(plain, "hello")).toBe("hello");
  const secure = connectTls({ ...inner.address, ca: certificate, servername: "localhost" });
  expect(await ask(secure, "again")).toBe("again");
  inner.closeConnections();
  await Promise.all([plain, secure].map(closedOf));
});

test("closes while a TLS handshake has not ended, and after one has failed", async () => {
  const secure = await TcpProxy.start(proxy.address, { clientTls: { cert: certificate, key: privateKey } });
  const silent = connect(secure.address).on("error", () => {});
  const distrustful = connectTls({ ...secure.address, servername: "localhost" });
  await Promise.all([once(silent, "connect"), once(distrustful, "error")]);
  await secure[Symbol.asyncDispose]();
  silent.destroy();
});

test("a ProxySet has one proxy per server and can limit a fault to the proxy on which it begins first", async () => {
  const other = createServer((socket) => socket.pipe(socket).on("error", () => {}));
  const servers = [proxy.address, await listen(other)] as const;
  await using set = await ProxySet.start(servers);
  const clients = servers.map((server) => connect(set.route(server)).on("error", () => {}));
  set.arm({ kind: "drop", direction: "answer" }, { firstOnly: true });
  const [first, second] = clients as [Socket, Socket];
  first.write("dropped");
  while (set.faults === 0) await quiet();
  expect(await ask(second, "answered")).toBe("answered");
  expect(set.faults).toBe(1);
  expect(set.connections).toBe(2);
  expect(() => set.route({ host: "elsewhere", port: 1 })).toThrow(/elsewhere:1 is not among the servers/);
  for (const client of clients) client.destroy();
  other.close();
});

test.for<ConnectionFault>([
  { kind: "cut", direction: "answer", after: { bytes: 1 } },
  { kind: "hold", direction: "answer" },
])("closes while a connection has a fault: $kind", async (fault) => {
  const client = await dial();
  proxy.arm(fault);
  client.write("hello");
  await quiet();
});

/** Returns the text that the server has received. */
function text(): string {
  return Buffer.concat(received).toString();
}

async function dial(): Promise<Socket> {
  const client = connect(proxy.address);
  client.setNoDelay(true);
  await once(client, "connect");
  return client;
}

async function ask(client: Socket, text: string, length: number = text.length): Promise<string> {
  let answer = "";
  if (text !== "") client.write(text);
  while (answer.length < length) answer += ((await once(client, "data")) as [Buffer])[0].toString("latin1");
  return answer;
}

async function textUntilClosed(client: Socket): Promise<string> {
  let text = "";
  for await (const chunk of client) text += String(chunk);
  return text;
}

function closedOf(client: Socket): Promise<unknown> {
  return new Promise((resolve) =>
    client
      .on("error", () => {})
      .on("close", resolve)
      .resume(),
  );
}

/** Waits 60 ms, so that bytes in flight can arrive. */
function quiet(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 60));
}

async function listen(server: Server): Promise<Address> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  return { host: "127.0.0.1", port };
}
