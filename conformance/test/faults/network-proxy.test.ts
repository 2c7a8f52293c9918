import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Address, type ConnectionFault, type NetworkProxy, networkProxy } from "../../src/index.js";

let echo: Server;
let received: Buffer[];
let proxy: NetworkProxy;

beforeEach(async () => {
  received = [];
  echo = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      received.push(chunk);
      socket.write(chunk);
    });
  });
  proxy = await networkProxy(await listen(echo));
});

afterEach(async () => {
  await proxy.close();
  await new Promise((resolve) => echo.close(resolve));
});

test("an untroubled proxy passes everything on, and counts it", async () => {
  const client = await dial();
  expect(await ask(client, "hello")).toBe("hello");
  expect(proxy.counts).toEqual({ connections: 1, requestBytes: 5, answerBytes: 5, faults: 0 });
});

test("cut: both sides are ended after just so many bytes", async () => {
  const client = await dial();
  proxy.arm({ kind: "cut", direction: "request", after: { bytes: 3 } });
  client.write("hello");
  expect(await textUntilClosed(client)).toBe("");
  await quiet();
  expect(Buffer.concat(received).toString()).toBe("hel");
  expect(proxy.counts.faults).toBe(1);
});

test("reset: the client sees a reset before the answer", async () => {
  const client = await dial();
  proxy.arm({ kind: "reset", direction: "answer" });
  client.write("hello");
  const [error] = (await once(client, "error")) as [NodeJS.ErrnoException];
  expect(error.code).toBe("ECONNRESET");
  expect(Buffer.concat(received).toString()).toBe("hello");
});

test("drop: the request never arrives, and the connection stays open", async () => {
  const client = await dial();
  proxy.arm({ kind: "drop", direction: "request", after: { messages: 1 } });
  expect(await ask(client, "first")).toBe("first");
  client.write("second");
  await quiet();
  expect(Buffer.concat(received).toString()).toBe("first");
  expect(client.destroyed).toBe(false);
});

test("drop: the server does the request, and the answer never arrives", async () => {
  const client = await dial();
  proxy.arm({ kind: "drop", direction: "answer" });
  let answered = false;
  client.on("data", () => {
    answered = true;
  });
  client.write("hello");
  await quiet();
  expect(Buffer.concat(received).toString()).toBe("hello");
  expect(answered).toBe(false);
});

test("hold: bytes go on when the proxy heals, also when the client has hung up", async () => {
  const client = await dial();
  proxy.arm({ kind: "hold", direction: "request" });
  client.write("late");
  await quiet();
  client.destroy();
  await quiet();
  expect(received).toEqual([]);
  proxy.heal();
  await quiet();
  expect(Buffer.concat(received).toString()).toBe("late");
});

test("half-open: the server's side is gone, and the client is not told", async () => {
  const client = await dial();
  proxy.arm({ kind: "half-open", direction: "request" });
  client.write("hello");
  await quiet();
  expect(received).toEqual([]);
  expect(client.destroyed).toBe(false);
});

test("slice: everything arrives, in small pieces", async () => {
  const client = await dial();
  proxy.arm({ kind: "slice", direction: "request", connections: Number.POSITIVE_INFINITY });
  expect(await ask(client, "a longer message")).toBe("a longer message");
});

test("garble: other bytes arrive, and as many", async () => {
  const client = await dial();
  proxy.arm({ kind: "garble", direction: "answer", after: { bytes: 2 } });
  const answer = await ask(client, "hello");
  expect(answer.slice(0, 2)).toBe("he");
  expect(answer).not.toBe("hello");
});

test("a fault happens to as many connections as it says", async () => {
  const clients = [await dial(), await dial()];
  proxy.arm({ kind: "cut", direction: "request" });
  const [one, other] = clients as [Socket, Socket];
  one.write("one");
  expect(await textUntilClosed(one)).toBe("");
  expect(await ask(other, "other")).toBe("other");
});

test("refuse: open connections end, new ones are reset, until it heals", async () => {
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

test.for<ConnectionFault>([
  { kind: "cut", direction: "answer", after: { bytes: 1 } },
  { kind: "hold", direction: "answer" },
])("closes with connections in every state: $kind", async (fault) => {
  const client = await dial();
  proxy.arm(fault);
  client.write("hello");
  await quiet();
});

async function dial(): Promise<Socket> {
  const client = connect(proxy.address);
  client.setNoDelay(true);
  await once(client, "connect");
  return client;
}

async function ask(client: Socket, text: string): Promise<string> {
  let answer = "";
  client.write(text);
  while (answer.length < text.length)
    answer += ((await once(client, "data")) as [Buffer])[0].toString("latin1");
  return answer;
}

async function textUntilClosed(client: Socket): Promise<string> {
  let text = "";
  for await (const chunk of client) text += String(chunk);
  return text;
}

/** Long enough for what is to arrive to have arrived. */
function quiet(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 60));
}

async function listen(server: Server): Promise<Address> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  return { host: "127.0.0.1", port };
}
