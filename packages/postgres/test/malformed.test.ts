import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { deriveSeed, type ProxiedConnection, Random } from "@manykv/conformance/faults";
import { StoreError } from "@manykv/core";
import { test } from "vitest";
import { postgresStore } from "../src/index.js";
import { text } from "./support/requests.js";
import { startProxy } from "./support/start-proxy.js";
import { testTable } from "./support/test-table.js";

const table = testTable();
const calls = 60;

test("malformed and truncated replies cause no crash, no hang and no false acknowledgement", async () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  console.log(`malformed replies: seed ${seed}`);
  await using direct = postgresStore({ url: table.url, table: table.name });
  const truth = await direct.open("b");
  const failures = await Promise.all(
    Array.from({ length: calls }, (_, call) => oneCall(call, new Random(deriveSeed(seed, call)))),
  );
  assert.ok(failures.includes(true), "at least one malformed reply must cause its call to fail");

  /** Sets a key through a proxy that corrupts or cuts off a reply. Returns whether the call failed. */
  async function oneCall(call: number, random: Random): Promise<boolean> {
    await using proxy = await startProxy(table.url);
    // The server sends the first few hundred bytes while the connection is being opened.
    const at = random.integer(0, call % 2 === 0 ? 699 : 99);
    const answered = new WeakMap<ProxiedConnection, number>();
    proxy.intercept = (chunk, direction, connection) => {
      if (direction === "request") return chunk;
      const offset = answered.get(connection) ?? 0;
      answered.set(connection, offset + chunk.length);
      const place = at - offset;
      if (place < 0 || place >= chunk.length) return chunk;
      if (random.chance(1 / 3)) return chunk.subarray(0, place);
      const bad = Buffer.from(chunk);
      bad[place] = random.integer(0, 255);
      return bad;
    };
    await using store = postgresStore({ url: proxy.url(table.url), table: table.name });
    const bucket = await store.open("b");
    const value = text(`value ${call}`);
    const error = await settled(bucket.set(`malformed${call}`, value, { timeout: 2_000 }));
    if (error === undefined) assert.deepEqual(await truth.get(`malformed${call}`), value);
    return error !== undefined;
  }
});

/** Malformed replies to the startup message, by the description that the test title contains. */
const replies: Readonly<Record<string, Buffer>> = {
  "an error message without its final zero byte": message("E", Buffer.from("SFATAL\0C28P01\0Mno\0")),
  "a message of impossible length in the same chunk as ReadyForQuery": Buffer.concat([
    message("R", Buffer.alloc(4)),
    message("Z", Buffer.from("I")),
    Buffer.from("D\0\0\0\0"),
  ]),
};

test.each(Object.entries(replies))("%s makes the call reject, and the process continues", async (_, reply) => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.write(reply));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const { port } = server.address() as AddressInfo;
    await using store = postgresStore({ url: `postgres://user@127.0.0.1:${port}/test` });
    const error = await settled((await store.open("b")).get("a", { timeout: 1_000 }));
    assert.ok(StoreError.is(error) && error.retryable, "a malformed reply must cause a retryable error");
  } finally {
    server.close();
  }
});

/** Returns a message of the protocol: its letter, its length and its body. */
function message(letter: string, body: Buffer): Buffer {
  const header = Buffer.from(`${letter}\0\0\0\0`);
  header.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
}

/** Returns the `StoreError` of a call, or `undefined` if the call succeeds. Fails the test on any other error. */
async function settled(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
    return undefined;
  } catch (error) {
    assert.ok(StoreError.is(error), String(error));
    return error;
  }
}
