import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import type { Fault } from "@manykv/core/driver";
import { describe, expect, test, vi } from "vitest";
import { dynamodbDriver, dynamodbStore } from "../src/index.js";
import { type Call, openDriver, type Way, ways } from "./support/driver-under-faults.js";
import { request } from "./support/request.js";
import { type Endless, startRogueServer } from "./support/rogue-server.js";

const region = "us-east-1";
const table = "table";
const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" };
const endlessBody: Endless = { head: "HTTP/1.1 200 OK\r\n\r\n", chunk: "a" };

/** What the operating system may buffer between the server and the client, in bytes. */
const buffered = 16_000_000;

async function faultOf(way: Way, endpoint: string, call: Call, keys: readonly string[], ms = 30_000): Promise<Fault> {
  await using opened = openDriver(way, table, { region, credentials, endpoint });
  const { driver } = opened;
  const parts = { keys, values: keys.map(() => new Uint8Array(1)), signal: AbortSignal.timeout(ms) };
  const error: unknown = await driver[call]?.(request(parts)).then(
    () => expect.fail("the call must reject, but resolved"),
    (reason: unknown) => reason,
  );
  return driver.classify(error);
}

describe.each(ways)("%s: a response without end", (way) => {
  test.each<[Call, number]>([
    ["get", 1_000_000],
    ["exists", 1_000_000],
    ["set", 1_000_000],
    ["delete", 1_000_000],
    ["list", 17_000_000],
  ])("to %s of one key fails the call for good, and closes the connection", async (call, limit) => {
    await using server = await startRogueServer(endlessBody);
    const fault = await faultOf(way, server.url, call, ["key"]);
    expect(fault).toMatchObject({ code: "internal", retryable: false, reason: "the response is too large" });
    await vi.waitFor(() => expect(server.open).toBe(0));
    expect(server.connections).toBe(1);
    expect(server.sent).toBeLessThan(limit + buffered);
  });

  test("to a get of several keys is a lost connection, so that core reads fewer keys at once", async () => {
    await using server = await startRogueServer(endlessBody);
    const keys = Array.from({ length: 100 }, (_, index) => `key-${index}`);
    expect(await faultOf(way, server.url, "get", keys)).toMatchObject({ code: "connection-lost", retryable: true });
    expect(server.sent).toBeLessThan(25_000_000 + buffered);
  });

  test("with an error status fails the call, and closes the connection", async () => {
    await using server = await startRogueServer({ ...endlessBody, head: "HTTP/1.1 400 Bad Request\r\n\r\n" });
    expect(await faultOf(way, server.url, "get", ["key"])).toMatchObject({ code: "internal", retryable: false });
    await vi.waitFor(() => expect(server.open).toBe(0));
    expect(server.sent).toBeLessThan(1_000_000 + buffered);
  });

  test.each<[string, Endless]>([
    ["headers", { head: "HTTP/1.1 200 OK\r\n", chunk: "x-a: b\r\n" }],
    ["one header", { head: "HTTP/1.1 200 OK\r\nx-a: ", chunk: "b" }],
    ["a chunk extension", { head: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;a=", chunk: "b" }],
    ["trailers", { head: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", chunk: "x-a: b\r\n" }],
    ["a status line", { head: "HTTP/1.1 200 ", chunk: "O" }],
  ])("in %s is a lost connection", async (_, endless) => {
    await using server = await startRogueServer(endless);
    expect(await faultOf(way, server.url, "get", ["key"])).toMatchObject({ code: "connection-lost", retryable: true });
    await vi.waitFor(() => expect(server.open).toBe(0));
    expect(server.sent).toBeLessThan(1_000_000 + buffered);
  });

  test.each<[string, Endless]>([
    ["informational responses", { head: "", chunk: "HTTP/1.1 102 Processing\r\n\r\n" }],
    ["a body that arrives slowly", { ...endlessBody, chunk: " ", pause: 20 }],
    ["headers that arrive slowly", { head: "HTTP/1.1 200 OK\r\n", chunk: "x: y\r\n", pause: 20 }],
  ])("of %s ends at the deadline, and the connection is closed", async (_, endless) => {
    await using server = await startRogueServer(endless);
    expect(await faultOf(way, server.url, "get", ["key"], 300)).toMatchObject({ code: "timeout", effect: "unknown" });
    await vi.waitFor(() => expect(server.open).toBe(0));
  });
});

test("a request handler with web streams reads no more than a response can contain", async () => {
  let sent = 0;
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 65_536;
      controller.enqueue(new Uint8Array(65_536));
    },
    cancel() {
      isCancelled = true;
    },
  });
  const requestHandler = { handle: async () => ({ response: { statusCode: 200, headers: {}, body } }), destroy() {} };
  const client = new DynamoDBClient({ region, credentials, requestHandler } as unknown as DynamoDBClientConfig);
  const driver = dynamodbDriver({ table, client });
  const error: unknown = await driver.get(request({ keys: ["key"] })).catch((reason: unknown) => reason);
  expect(driver.classify(error)).toMatchObject({ code: "internal", reason: "the response is too large" });
  expect(isCancelled).toBe(true);
  expect(sent).toBeLessThan(1_000_000);
});

test("the responses of parallel requests that are in memory have a limit together, which later requests get back", async () => {
  let sent = 0;
  let isHostile = true;
  const hostileBody = (): ReadableStream<Uint8Array> => {
    let left = 23;
    return new ReadableStream({
      async pull(controller) {
        if (left-- === 0) await new Promise(() => {});
        sent += 1_000_000;
        controller.enqueue(new Uint8Array(1_000_000));
      },
    });
  };
  const validBody = JSON.stringify({ Responses: { [table]: [] }, UnprocessedKeys: {} });
  const requestHandler = {
    handle: async () => {
      const body = isHostile ? hostileBody() : new Blob([validBody]).stream();
      return { response: { statusCode: 200, headers: {}, body } };
    },
    destroy() {},
  };
  const client = new DynamoDBClient({ region, credentials, requestHandler } as unknown as DynamoDBClientConfig);
  const driver = dynamodbDriver({ table, client });
  const keys = Array.from({ length: 100 }, (_, index) => `key-${index}`);
  const signal = AbortSignal.timeout(1_000);
  await Promise.allSettled(Array.from({ length: 16 }, () => driver.get(request({ keys, signal }))));
  expect(sent).toBeGreaterThan(2 * 23_000_000);
  expect(sent).toBeLessThan(64_000_000 + 16_000_000);
  isHostile = false;
  for (const answer of await Promise.all(Array.from({ length: 16 }, () => driver.get(request({ keys })))))
    expect(answer.values).toEqual(keys.map(() => undefined));
});

test("a getMany gives up after it has read a single key in vain", async () => {
  await using server = await startRogueServer(endlessBody);
  await using store = dynamodbStore({ table, region, credentials, endpoint: server.url, retry: { baseDelay: 1 } });
  const bucket = await store.open("bucket");
  const keys = ["one", "two", "three", "four"];
  await expect(bucket.getMany(keys)).rejects.toMatchObject({ code: "internal", retryable: false });
});
