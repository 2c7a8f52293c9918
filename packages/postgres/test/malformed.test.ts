import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { StoreError } from "@manykv/core";
import { test } from "vitest";
import { postgresStore } from "../src/index.js";
import { text } from "./support/requests.js";
import { tcpProxy } from "./support/tcp-proxy.js";
import { testTable } from "./support/test-table.js";

const table = testTable();
const calls = 60;

/** Small numbers from a seed, so that a failure can be repeated. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test("malformed and truncated answers: no crash, no hang, no false answer", async () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  console.log(`malformed answers: seed ${seed}`);
  const random = randomFrom(seed);
  await using direct = postgresStore({ url: table.url, table: table.name });
  const truth = await direct.open("b");
  const failures = await Promise.all(
    Array.from({ length: calls }, (_, call) => oneCall(call, random(2 ** 32))),
  );
  assert.ok(failures.includes(true), "no answer was malformed enough to fail a call");

  /** Whether it failed. */
  async function oneCall(call: number, ownSeed: number): Promise<boolean> {
    const own = randomFrom(ownSeed);
    await using proxy = await tcpProxy(table.url);
    // Answers to a connection's opening take the first few hundred bytes.
    const at = own(call % 2 === 0 ? 700 : 100);
    proxy.corrupt = (chunk, offset) => {
      const place = at - offset;
      if (place < 0 || place >= chunk.length) return chunk;
      if (own(3) === 0) return chunk.subarray(0, place);
      const bad = Buffer.from(chunk);
      bad[place] = own(256);
      return bad;
    };
    await using store = postgresStore({ url: proxy.url, table: table.name });
    const bucket = await store.open("b");
    const value = text(`value ${call}`);
    const error = await settled(bucket.set(`malformed${call}`, value, { timeout: 2_000 }));
    if (error === undefined) assert.deepEqual(await truth.get(`malformed${call}`), value);
    return error !== undefined;
  }
});

test("an error without an end, in answer to a connection's opening, does not hang the process", async () => {
  const body = Buffer.from("SFATAL\0C28P01\0Mno\0");
  const header = Buffer.from("E\0\0\0\0");
  header.writeInt32BE(body.length + 4, 1);
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.write(Buffer.concat([header, body])));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const { port } = server.address() as AddressInfo;
    await using store = postgresStore({ url: `postgres://somebody@127.0.0.1:${port}/test` });
    const error = await settled((await store.open("b")).get("a", { timeout: 1_000 }));
    assert.ok(StoreError.is(error) && error.retryable, "an answer that nobody can read is no refusal");
  } finally {
    server.close();
  }
});

/** The error, if it is one. */
async function settled(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
    return undefined;
  } catch (error) {
    assert.ok(StoreError.is(error), String(error));
    return error;
  }
}
