import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { type HttpHandler, passThrough } from "@manykv/conformance/faults";
import type { Driver, Fault } from "@manykv/core/driver";
import { describe, expect, test } from "vitest";
import { dynamodbDriver, dynamodbStore } from "../src/index.js";
import { fail, hangAfter, resetAfter, resetBefore } from "./support/behaviours.js";
import { request } from "./support/request.js";
import { startProxy } from "./support/start-proxy.js";
import { testTable } from "./support/test-table.js";

const { name: table, endpoint } = testTable();
const write = request({ keys: ["key"], values: [new Uint8Array([1])] });

async function faultOf(driver: Driver): Promise<Fault> {
  const error = await driver.set(write).then(
    () => expect.fail("it resolved"),
    (reason: unknown) => reason,
  );
  return driver.classify(error);
}

/** One behaviour for each request, then the last one again. */
function inTurn(...behaviours: HttpHandler[]): HttpHandler {
  return (passage) => (behaviours[passage.number - 1] ?? behaviours.at(-1) ?? passThrough)(passage);
}

describe("the driver's own client", () => {
  test.each([
    ["InternalServerError", 500],
    ["ThrottlingException", 400],
  ])("repeats nothing on %s", async (name, status) => {
    await using proxy = await startProxy(endpoint);
    proxy.handler = fail(status, name);
    const driver = dynamodbDriver({ table, endpoint: proxy.url });
    await faultOf(driver);
    expect(proxy.count("BatchWriteItem")).toBe(1);
    await driver.close();
  });
});

describe("the caller's client", () => {
  test("stays open after close", async () => {
    const client = new DynamoDBClient({ endpoint });
    const store = dynamodbStore({ table, client });
    await (await store.open("bucket")).set("key", new Uint8Array([1]));
    await store.close();
    const { TableNames } = await client.send(new ListTablesCommand({}));
    expect(TableNames).toBeDefined();
    client.destroy();
  });

  test("a middleware of the caller's sees the operation and the table", async () => {
    const client = new DynamoDBClient({ endpoint });
    const seen: unknown[] = [];
    client.middlewareStack.add((next, context) => (args) => {
      seen.push([context.commandName, args.input]);
      return next(args);
    });
    await dynamodbDriver({ table, client }).set(write);
    expect(seen).toEqual([["BatchWriteItemCommand", { RequestItems: { [table]: [] } }]]);
    client.destroy();
  });

  test.each([
    ["every attempt was refused", [fail(400, "ThrottlingException")], "throttled", "none"],
    [
      "an attempt before was left without answer",
      [resetAfter, fail(400, "ThrottlingException")],
      "throttled",
      "unknown",
    ],
    [
      "an attempt before failed at an unknown point",
      [fail(500, "InternalServerError"), fail(400, "ValidationException")],
      "internal",
      "unknown",
    ],
    [
      "the last attempt was left without answer",
      [fail(400, "ThrottlingException"), resetBefore],
      "connection-lost",
      "unknown",
    ],
  ] as const)("with retries of its own: %s", async (_, behaviours, code, effect) => {
    await using proxy = await startProxy(endpoint);
    proxy.handler = inTurn(...behaviours);
    const client = new DynamoDBClient({ endpoint: proxy.url, maxAttempts: 3 });
    expect(await faultOf(dynamodbDriver({ table, client }))).toMatchObject({ code, effect });
    expect(proxy.count("BatchWriteItem")).toBeGreaterThan(1);
    client.destroy();
  });

  test("with retries of its own: an attempt that succeeds is a success", async () => {
    await using proxy = await startProxy(endpoint);
    proxy.handler = inTurn(resetAfter, passThrough);
    const client = new DynamoDBClient({ endpoint: proxy.url, maxAttempts: 3 });
    expect(await dynamodbDriver({ table, client }).set(write)).toEqual({});
    client.destroy();
  });

  test("with a timeout of its own: a lost connection of unknown effect", async () => {
    await using proxy = await startProxy(endpoint);
    proxy.handler = hangAfter;
    const requestHandler = { requestTimeout: 100, throwOnRequestTimeout: true };
    const client = new DynamoDBClient({ endpoint: proxy.url, maxAttempts: 1, requestHandler });
    const driver = dynamodbDriver({ table, client });
    expect(await faultOf(driver)).toMatchObject({
      code: "connection-lost",
      retryable: true,
      effect: "unknown",
    });
    client.destroy();
  });

  test("with credentials that cannot be had: access-denied, and nothing was sent", async () => {
    await using proxy = await startProxy(endpoint);
    const credentials = () => Promise.reject(Object.assign(new Error("none"), { name: "CredentialsProviderError" }));
    const client = new DynamoDBClient({ endpoint: proxy.url, credentials });
    const fault = await faultOf(dynamodbDriver({ table, client }));
    expect(fault).toEqual({
      code: "access-denied",
      retryable: false,
      effect: "none",
      reason: "CredentialsProviderError",
    });
    expect(proxy.count("BatchWriteItem")).toBe(0);
    client.destroy();
  });
});

test("a region that is named nowhere is an invalid argument", async () => {
  const client = new DynamoDBClient({
    endpoint,
    region: () => Promise.reject<string>(new Error("Region is missing")),
  });
  expect(await faultOf(dynamodbDriver({ table, client }))).toMatchObject({
    code: "invalid-argument",
    reason: "NoRegion",
  });
  client.destroy();
});
