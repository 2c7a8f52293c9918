import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { type Store, StoreError } from "@manykv/core";
import { test } from "vitest";
import { postgresStore } from "../src/index.js";
import { accepted, message, pour, startFakeServer } from "./support/fake-server.js";
import { text } from "./support/requests.js";

const mebibyte = 1_048_576;
const parsed = Buffer.concat([message("1"), message("2")]);
const row = (value: Buffer): Buffer => {
  const field = Buffer.alloc(6);
  field.writeInt16BE(1);
  field.writeInt32BE(value.length, 2);
  return message("D", Buffer.concat([field, value]));
};
/** A message that announces a body of almost 1 GB. */
const huge = (letter: string): Buffer => Buffer.from([letter.charCodeAt(0), 0x3f, 0xff, 0xff, 0xff]);

/** Sends `start`, and then `rest` without end. */
const endless =
  (start: Buffer, rest: Buffer) =>
  (socket: Socket): void => {
    socket.write(start);
    pour(socket, rest);
  };

const zeros = Buffer.alloc(mebibyte);
const notice = message("N", `SNOTICE\0C00000\0M${"x".repeat(1_000)}\0\0`);

/** What a server sends without end in reply to a request, and the megabytes that a call may cost. */
const replies: Readonly<Record<string, readonly [start: Buffer, rest: Buffer, most: number]>> = {
  "a row of 1 GB": [Buffer.concat([parsed, huge("D")]), zeros, 32],
  "rows of one byte": [parsed, row(Buffer.from("x")), 32],
  "rows of 1 MiB": [parsed, row(zeros), 96],
  "an error of 1 GB": [huge("E"), zeros, 32],
  notices: [parsed, notice, 96],
  "messages that do not exist": [parsed, message("?", "x"), 32],
};

async function rejected(call: Promise<unknown>): Promise<StoreError> {
  try {
    await call;
  } catch (error) {
    assert.ok(StoreError.is(error), String(error));
    return error;
  }
  throw new Error("the call must reject, but resolved");
}

for (const [name, [start, rest, most]] of Object.entries(replies)) {
  test(`a read of one key costs one connection at a time and little memory if the server sends ${name}`, async () => {
    await using server = await startFakeServer((socket) => socket.write(accepted), endless(start, rest));
    await using store = postgresStore({ url: server.url, retry: { attempts: 1 } });
    const { code, reason } = await rejected((await store.open("b")).get("a", { timeout: 30_000 }));
    assert.match(`${code}: ${reason}`, /: (the response is (too large|malformed)|the table has several rows)/);
    assert.equal(server.connections, 1);
    assert.ok(server.bytes < most * mebibyte, `${server.bytes} bytes for one key`);
  });
}

test("a read of one key that is too large is not repeated", async () => {
  const manners = endless(Buffer.concat([parsed, huge("D")]), zeros);
  await using server = await startFakeServer((socket) => socket.write(accepted), manners);
  await using store = postgresStore({ url: server.url });
  const { code, retryable } = await rejected((await store.open("b")).get("a"));
  assert.deepEqual([code, retryable, server.connections], ["internal", false, 1]);
});

test("a read of several keys whose response is too large is repeated with fewer keys", async () => {
  const requests: number[] = [];
  await using server = await startFakeServer(
    (socket) => socket.write(accepted),
    (socket, chunk) => {
      requests.push(chunk.length);
      endless(Buffer.concat([parsed, huge("D")]), zeros)(socket);
    },
  );
  await using store = postgresStore({ url: server.url });
  const keys = Array.from({ length: 8 }, (_, index) => `${index}`.repeat(500));
  await rejected((await store.open("b")).getMany(keys));
  assert.ok(Math.min(...requests) < Math.max(...requests) / 4, requests.join());
  assert.equal(server.mostOpen, 1);
});

test("a write to a server that sends without end is not applied, because nothing was sent", async () => {
  const manners = endless(Buffer.concat([parsed, huge("D")]), zeros);
  await using server = await startFakeServer((socket) => socket.write(accepted), manners);
  await using store = postgresStore({ url: server.url });
  const error = await rejected((await store.open("b")).set("a", text("v")));
  assert.deepEqual(Reflect.get(error, "counts"), { applied: 0, "not-applied": 1, unknown: 0 });
});

test.each([
  ["a huge message", huge("S"), zeros],
  ["a huge error", huge("E"), zeros],
  ["rows", message("R", Buffer.alloc(4)), row(zeros)],
  ["a parameter without its end", message("S", "name"), zeros],
  ["a notification without its end", message("A", Buffer.from("\0\0\0\x01channel\0payload")), zeros],
  ["SASL mechanisms without their end", message("R", Buffer.from("\0\0\0\x0aSCRAM-SHA-256\0")), zeros],
  ["requests for the password", Buffer.alloc(0), Buffer.from("R\0\0\0\x08\0\0\0\x03".repeat(1_000))],
  ["requests for a hash", Buffer.alloc(0), Buffer.from("R\0\0\0\x0c\0\0\0\x05salt".repeat(1_000))],
  ["parameters", message("R", Buffer.alloc(4)), Buffer.from(message("S", "name\0value\0").toString().repeat(1_000))],
  ["fields without their names", message("T", Buffer.from("\0\x09name")), zeros],
])("a server that sends %s without end instead of a login costs little memory", async (_, start, rest) => {
  await using server = await startFakeServer(endless(start, rest));
  await using store: Store = postgresStore({ url: server.url, retry: { attempts: 1 } });
  const { code } = await rejected((await store.open("b")).get("a", { timeout: 30_000 }));
  assert.equal(code, "unavailable");
  assert.deepEqual([server.connections, server.bytes < 32 * mebibyte], [1, true]);
});
