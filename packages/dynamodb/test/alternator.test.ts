import { DeleteTableCommand } from "@aws-sdk/client-dynamodb";
import { randomName } from "@manykv/test-services";
import { afterAll, describe, expect, test } from "vitest";
import { dynamodbDriver, dynamodbStore } from "../src/index.js";
import { startAlternator } from "./support/alternator.js";
import { fail } from "./support/behaviours.js";
import { abilities } from "./support/known-servers.js";
import { request } from "./support/request.js";
import { startProxy } from "./support/start-proxy.js";
import { testTable } from "./support/test-table.js";

const { client, endpoint } = testTable();
const table = randomName();
afterAll(() => client.send(new DeleteTableCommand({ TableName: table })));

test("a server like Alternator serves every operation, and describes itself", async () => {
  await using server = await startAlternator(endpoint);
  await using store = dynamodbStore({ table, endpoint: server.url });
  await store.provision();
  await store.provision();
  const bucket = await store.open("bucket");
  const entries = Array.from({ length: 60 }, (_, index) => [`key-${index}`, new Uint8Array([index])] as const);
  await bucket.setMany(entries);
  expect(await bucket.getMany([...entries.map(([key]) => key), "missing"])).toEqual([...entries, undefined]);
  expect(await bucket.getMany(["missing", "absent"])).toEqual([undefined, undefined]);
  expect((await bucket.listKeys()).keys.sort()).toEqual(entries.map(([key]) => key).sort());
  await bucket.deleteMany(["key-0"]);
  expect(await bucket.exists("key-0")).toBe(false);
  await bucket.set("key-0", new Uint8Array([48]), { ttl: 60_000, ifAbsent: true });
  expect(await bucket.increment("key-0", 41)).toBe(41n);
  const change = { expected: Buffer.from("41"), value: undefined };
  expect(await bucket.compareAndSwap("key-0", change)).toEqual({ swapped: true });
  const { product, topology, abilities: reported, findings } = await store.describe();
  expect([product, topology, reported]).toEqual(["alternator", "service", abilities]);
  expect(findings.map(({ code }) => code)).toEqual(["cannot-settle"]);
});

test("a response whose end is missing is read again, although nothing announces its length", async () => {
  await using server = await startAlternator(endpoint);
  await using store = dynamodbStore({ table, endpoint: server.url });
  const bucket = await store.open("bucket");
  await bucket.set("key", new Uint8Array([1]));
  server.truncatesNext = true;
  expect(await bucket.get("key")).toEqual(new Uint8Array([1]));
  expect(server.operations).toEqual(["BatchWriteItem", "BatchGetItem", "BatchGetItem"]);
});

describe("messages of Alternator about the primary key mean another table", () => {
  test.each([
    "Key column k not found",
    "Type mismatch: expected type B for key column k, got type S",
    "Given key attribute not in schema",
    "The provided key element does not match the schema",
  ])("%s", async (message) => {
    await using proxy = await startProxy(endpoint);
    proxy.handler = fail(400, "ValidationException", message);
    const driver = dynamodbDriver({ table, endpoint: proxy.url });
    const error: unknown = await driver.get(request({ keys: ["key"] })).catch((reason: unknown) => reason);
    const fault = driver.classify(error);
    expect(fault).toMatchObject({ code: "invalid-argument", retryable: false, effect: "none" });
    await driver.close();
  });
});
