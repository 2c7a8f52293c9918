import { Buffer } from "node:buffer";
import type { ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { randomName } from "@manykv/test-services";
import { buildCommand, buildSessions, buildSessions03 } from "@manykv/wasi-guests";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { type Ended, endOf, runCommand, startCommand } from "../support/command.js";
import { storeUrls } from "../support/stores.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const { path } = temporaryFolder();
const service = path("sessions.wasm");

beforeAll(async () => {
  writeFileSync(service, await buildSessions());
  // The command inherits it.
  process.env["XDG_CACHE_HOME"] = path("cache");
});

interface Served {
  readonly url: string;
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** Starts the command and waits until it serves. The last argument is the component. */
async function serveComponent(...args: string[]): Promise<Served> {
  const child = startCommand(["serve", "--port", "0", ...args]);
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = endOf(child);
  let text = "";
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr?.on("data", (chunk: Buffer) => {
      text += chunk;
      const found = /serving at (\S+)\n/.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once("exit", () => reject(new Error(text)));
  });
  return { url, child, ended };
}

const serve = (...args: string[]): Promise<Served> => serveComponent(...args, service);

const newStore = () => ["-s", `sessions=${storeUrls.redis}`, "-b", `sessions=${randomName()}`];

test("a component keeps sessions in a store, and each request gets a new instance", async () => {
  const { url, child, ended } = await serve(...newStore());
  const session = "ü".repeat(40_000);
  expect((await fetch(`${url}/ann`)).status).toBe(404);
  const stored = await fetch(`${url}/ann`, { method: "POST", body: session });
  expect([stored.status, stored.headers.get("instance-requests")]).toEqual([204, "1"]);
  const read = await fetch(`${url}/ann`);
  expect([read.status, read.headers.get("instance-requests"), await read.text()]).toEqual([200, "1", session]);
  expect((await fetch(`${url}/ann`, { method: "DELETE" })).status).toBe(204);
  expect((await fetch(`${url}/ann`)).status).toBe(404);
  child.kill("SIGTERM");
  expect(await ended).toMatchObject({ code: 0, signal: null });
});

test("200 concurrent requests increment a counter 200 times", async () => {
  const { url } = await serve(...newStore());
  const increment = async () => {
    const response = await fetch(`${url}/counter`, { method: "PUT" });
    expect(response.status).toBe(200);
    return response.headers.get("instance-requests");
  };
  const counts = await Promise.all(Array.from({ length: 200 }, increment));
  expect(new Set(counts)).toEqual(new Set(["1"]));
  expect(await (await fetch(`${url}/counter`)).text()).toBe("200");
});

/** Sends a header and returns the same header of the response, if it has one. */
async function echo(url: string, header: Buffer): Promise<Buffer | undefined> {
  const sent = request(url, { headers: { echo: header.toString("latin1") } }).end();
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    sent.on("response", resolve).on("error", reject),
  );
  response.resume();
  const { echo: echoed } = response.headers;
  return typeof echoed === "string" ? Buffer.from(echoed, "latin1") : undefined;
}

/** UTF-8 with every byte from 0x80 to 0xbf. The shim of WASI 0.2 refuses to send characters outside Latin-1. */
const umlauts = Buffer.from(String.fromCharCode(...Array.from({ length: 0x40 }, (_, index) => 0xc0 + index)));

test("headers keep their bytes in both directions", async () => {
  const { url } = await serve(...newStore());
  expect(await echo(url, umlauts)).toEqual(umlauts);
  // The guest ignores that the shim refuses to send this value.
  expect(await echo(url, Buffer.from("€"))).toBeUndefined();
});

test("the log has the reason of a failed request, and the response does not", async () => {
  const { url, child, ended } = await serve("-s", "sessions=redis://user:hunter2@127.0.0.1:1", "--timeout", "300ms");
  for (const method of ["PATCH", "OPTIONS"]) {
    const response = await fetch(url, { method });
    expect([response.status, await response.text()]).toEqual([500, "Internal Server Error\n"]);
  }
  const unreachable = await fetch(`${url}/ann`);
  expect([unreachable.status, await unreachable.text()]).toEqual([503, ""]);
  child.kill("SIGTERM");
  const { stderr } = await ended;
  expect(stderr).toMatch(/a request failed: .*unreachable/);
  expect(stderr).toMatch(/a request failed: the component returned without a response/);
  expect(stderr).toMatch(/store "sessions": get failed: /);
  expect(stderr).not.toContain("hunter2");
});

test("a component of WASI 0.3 keeps sessions where the engine can suspend it", async () => {
  const asynchronous = path("sessions-0.3.wasm");
  writeFileSync(asynchronous, await buildSessions03());
  if (!Reflect.has(Reflect.get(globalThis, "WebAssembly"), "Suspending")) {
    const { code, stderr } = await runCommand(["serve", asynchronous]);
    expect(stderr).toMatch(/whose functions are asynchronous: run it with Node.js 24.20, 26 or later/);
    expect(code).toBe(3);
    return;
  }
  const { url, child, ended } = await serveComponent(...newStore(), asynchronous);
  const statusOf = async (...args: Parameters<typeof fetch>) => (await fetch(...args)).status;
  expect(await statusOf(`${url}/ann`)).toBe(404);
  const session = "ü".repeat(100_000);
  expect(await statusOf(`${url}/ann`, { method: "POST", body: session })).toBe(204);
  const read = await fetch(`${url}/ann`);
  expect([read.status, read.headers.get("instance-requests"), await read.text()]).toEqual([200, "1", session]);
  expect(await echo(url, umlauts)).toEqual(umlauts);
  const increments = Array.from({ length: 200 }, () => fetch(`${url}/counter`, { method: "PUT" }));
  const counts = await Promise.all(increments.map(async (response) => Number(await (await response).text())));
  expect(Math.max(...counts)).toBe(200);
  for (const method of ["PATCH", "OPTIONS"]) {
    const response = await fetch(url, { method });
    expect([response.status, await response.text()]).toEqual([500, "Internal Server Error\n"]);
  }
  const invalid = request(url, { path: "/a<b" }).end();
  expect(await new Promise((resolve) => invalid.on("response", ({ statusCode }) => resolve(statusCode)))).toBe(400);
  child.kill("SIGTERM");
  const { code, stderr } = await ended;
  expect(code).toBe(0);
  expect(stderr).toMatch(/a request failed: .*unreachable/);
  expect(stderr).toMatch(/a request failed: the component returned the error internal-error/);
});

test("after SIGTERM, requests in flight get their responses, and the command ends", async () => {
  const store = newStore();
  const { url, child, ended } = await serve(...store);
  const pending: ClientRequest = request(`${url}/late`, { method: "POST", headers: { expect: "100-continue" } });
  const response = new Promise<IncomingMessage>((resolve, reject) =>
    pending.on("response", resolve).on("error", reject),
  );
  const accepted = new Promise((resolve) => pending.once("continue", resolve));
  pending.flushHeaders();
  await accepted;
  child.kill("SIGTERM");
  // The server does not accept connections any more.
  while (
    await fetch(url).then(
      () => true,
      () => false,
    )
  )
    await sleep(50);
  pending.end("session");
  expect((await response).statusCode).toBe(204);
  expect(await ended).toMatchObject({ code: 0, signal: null });
  const bucket = store[3]?.replace("sessions=", "") ?? "";
  const read = await runCommand(["get", "--store", storeUrls.redis, "--bucket", bucket, "/late"]);
  expect(read.stdout.toString()).toBe("session");
});

test("a body that is too large gets status 413", async () => {
  const { url } = await serve("-s", "sessions=memory:", "--max-body-bytes", "10");
  expect((await fetch(`${url}/a`, { method: "POST", body: "0123456789" })).status).toBe(204);
  expect((await fetch(`${url}/a`, { method: "POST", body: "0123456789a" })).status).toBe(413);
});

test("bad input gets an error that says what to do", async () => {
  const { url } = await serve("-s", "sessions=memory:");
  const port = new URL(url).port;
  const command = path("command.wasm");
  writeFileSync(command, await buildCommand());
  const cases: [string[], RegExp][] = [
    [["-s", "sessions=memory:", "--port", port, service], /cannot serve at 127.0.0.1:\d+: EADDRINUSE/],
    [["--port", "70000", service], /Pass a number from 0 to 65535/],
    [
      [command],
      /needs a component that exports wasi:http\/incoming-handler@0.2 or wasi:http\/handler@0.3. This one exports wasi:cli\/run@0.2.0/,
    ],
    [["-s", "sessions=nosql:", service], /unknown URL scheme "nosql:"/],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await runCommand(["serve", ...args]);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  }
});
