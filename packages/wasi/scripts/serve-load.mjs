// Puts `manykv serve` under load: `node packages/wasi/scripts/serve-load.mjs [seconds]`, after a build.
//
// 200 clients send requests to a component that keeps sessions on Redis: each client writes, reads and deletes its session
// and increments a shared counter, over and over. Then SIGTERM ends the command while all clients wait for responses.
// Fails if a response is missing or wrong, if an instance handled two requests, or if the counter is not exact.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { startDedicatedRedis } from "@manykv/test-services";
import { buildSessions } from "@manykv/wasi-guests";

const seconds = Number(process.argv[2] ?? 60);
const clients = 200;
const redis = await startDedicatedRedis();
const folder = await mkdtemp(join(tmpdir(), "manykv-wasi-"));
const service = join(folder, "sessions.wasm");
await writeFile(service, await buildSessions());
const command = fileURLToPath(new URL("../../manykv/dist/command/main.js", import.meta.url));
const args = [command, "serve", "--port", "0", "--store", `sessions=${redis.url}`, service];
const server = spawn(process.execPath, args, {
  stdio: ["ignore", "inherit", "pipe"],
  env: { ...process.env, XDG_CACHE_HOME: folder },
});
const ended = once(server, "exit");
const log = createInterface(server.stderr);
const [line] = await once(log, "line");
log.on("line", (text) => console.error(text));
const url = /serving at (\S+)/.exec(line)?.[1];
assert.ok(url, line);

const agent = new Agent({ keepAlive: true, maxSockets: clients });
let responses = 0;
let stopping = false;

/** Sends a request, and returns the response with its body. */
async function send(method, path, body = "") {
  const sent = request(`${url}${path}`, { method, agent }).end(body);
  const [response] = await once(sent, "response");
  const chunks = await response.toArray();
  assert.ok(response.complete, "the response is not complete");
  assert.equal(response.headers["instance-requests"], "1");
  responses++;
  return { status: response.statusCode, text: Buffer.concat(chunks).toString() };
}

/** Returns how often the client incremented the counter. */
async function runClient(number) {
  const path = `/session-${number}`;
  let increments = 0;
  for (let round = 0; !stopping; round++) {
    const session = `${number}-${round}-`.repeat(1 + Math.floor(Math.random() * 500));
    assert.deepEqual(await send("POST", path, session), { status: 204, text: "" });
    assert.deepEqual(await send("GET", path), { status: 200, text: session });
    assert.equal((await send("PUT", "/counter")).status, 200);
    increments++;
    assert.deepEqual(await send("DELETE", path), { status: 204, text: "" });
    assert.deepEqual(await send("GET", path), { status: 404, text: "" });
  }
  return increments;
}

const start = performance.now();
setTimeout(() => {
  stopping = true;
}, seconds * 1_000);
const counts = await Promise.all(Array.from({ length: clients }, (_, number) => runClient(number)));
const sum = counts.reduce((total, count) => total + count, 0);
assert.equal((await send("GET", "/counter")).text, String(sum));
const duration = (performance.now() - start) / 1_000;
console.log(
  `Node.js ${process.version}: ${responses} responses to ${clients} clients in ${duration.toFixed(0)} s, all correct`,
);

const last = Array.from({ length: clients }, (_, number) => send("POST", `/last-${number}`, "x".repeat(10_000)));
// The server accepted all connections, because the first response arrived and the clients use open connections.
await Promise.race(last);
server.kill("SIGTERM");
for (const response of await Promise.all(last)) assert.equal(response.status, 204);
assert.deepEqual(await ended, [0, null]);
console.log(`SIGTERM with ${clients} requests in flight: ${clients} responses, then exit code 0`);
await rm(folder, { recursive: true });
await redis[Symbol.asyncDispose]();
