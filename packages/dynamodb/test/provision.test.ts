import { CreateTableCommand, DeleteTableCommand, DescribeTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { answerJson, type HttpHandler, passThrough } from "@manykv/conformance/faults";
import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { afterEach, describe, expect, test } from "vitest";
import { dynamodbDriver, dynamodbStore } from "../src/index.js";
import { fail, hang } from "./support/behaviours.js";
import { request } from "./support/request.js";
import { startProxy } from "./support/start-proxy.js";

/** Handles the first `count` requests with `handler`, and the others with `next`. */
function firstRequests(count: number, handler: HttpHandler, next: HttpHandler): HttpHandler {
  return (exchange) => (exchange.number <= count ? handler : next)(exchange);
}

const endpoint = serviceUrl("dynamodb");
const client = new DynamoDBClient({ endpoint });
const tables: string[] = [];

function newTable(): string {
  const table = randomName();
  tables.push(table);
  return table;
}

afterEach(async () => {
  for (const TableName of tables.splice(0)) {
    await client.send(new DeleteTableCommand({ TableName })).catch(() => {});
  }
});

describe("provision", () => {
  test("creates the table once, with on-demand capacity", async () => {
    const table = newTable();
    await using store = dynamodbStore({ table, endpoint });
    await store.provision();
    await store.provision();
    const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
    expect(Table).toMatchObject({
      TableStatus: "ACTIVE",
      KeySchema: [{ AttributeName: "k", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "k", AttributeType: "S" }],
      BillingModeSummary: { BillingMode: "PAY_PER_REQUEST" },
    });
  });

  test("succeeds in ten concurrent calls with separate clients", async () => {
    const table = newTable();
    const stores = Array.from({ length: 10 }, () => dynamodbStore({ table, endpoint }));
    await Promise.all(
      stores.map(async (store) => {
        await store.provision();
        const bucket = await store.open("bucket");
        await bucket.set("key", new Uint8Array([1]));
      }),
    );
    await Promise.all(stores.map((store) => store.close()));
  });

  test.each([
    ["a binary key", [{ AttributeName: "k", AttributeType: "B" }], [{ AttributeName: "k", KeyType: "HASH" }]],
    [
      "a key with another name",
      [{ AttributeName: "id", AttributeType: "S" }],
      [{ AttributeName: "id", KeyType: "HASH" }],
    ],
    [
      "a sort key",
      [
        { AttributeName: "k", AttributeType: "S" },
        { AttributeName: "s", AttributeType: "S" },
      ],
      [
        { AttributeName: "k", KeyType: "HASH" },
        { AttributeName: "s", KeyType: "RANGE" },
      ],
    ],
  ] as const)("rejects a table with %s", async (_, attributes, schema) => {
    const table = newTable();
    await client.send(
      new CreateTableCommand({
        TableName: table,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [...attributes],
        KeySchema: [...schema],
      }),
    );
    await using store = dynamodbStore({ table, endpoint });
    await expect(store.provision()).rejects.toMatchObject({
      code: "invalid-argument",
      retryable: false,
      message: expect.stringContaining(
        "the table has another primary key than the store: pass its names as `keyAttribute`",
      ),
    });
  });

  /** Runs `provision()` on a new table, whose server handles the requests about TTL differently. */
  async function provisionTimeToLive(describing: HttpHandler, updating: HttpHandler): Promise<Buffer[]> {
    await using proxy = await startProxy(endpoint);
    const updates: Buffer[] = [];
    proxy.handler = (exchange) => {
      if (exchange.operation === "DescribeTimeToLive") return describing(exchange);
      if (exchange.operation !== "UpdateTimeToLive") return passThrough(exchange);
      updates.push(exchange.body);
      return updating(exchange);
    };
    const table = newTable();
    await using store = dynamodbStore({ table, endpoint: proxy.url, ttlAttribute: "until", retry: { baseDelay: 1 } });
    await store.provision();
    return updates;
  }

  const disabled = answerJson(200, { TimeToLiveDescription: { TimeToLiveStatus: "DISABLED" } });
  const specification = { AttributeName: "until", Enabled: true };
  const updated = answerJson(200, { TimeToLiveSpecification: specification });

  test("enables the service's TTL", async () => {
    const [update, ...others] = await provisionTimeToLive(disabled, updated);
    expect(JSON.parse(String(update))).toMatchObject({ TimeToLiveSpecification: specification });
    expect(others).toEqual([]);
  });

  test.each(["ENABLED", "ENABLING"])("changes no TTL that is %s", async (TimeToLiveStatus) => {
    for (const AttributeName of ["until", "other"]) {
      const description = answerJson(200, { TimeToLiveDescription: { TimeToLiveStatus, AttributeName } });
      expect(await provisionTimeToLive(description, updated)).toEqual([]);
    }
  });

  test.each([
    ["the permission is missing", "AccessDeniedException"],
    ["the server has no TTL", "UnknownOperationException"],
    ["another process has enabled it", "ValidationException"],
    ["another process is enabling it", "ResourceInUseException"],
  ])("succeeds if TTL cannot be enabled because %s", async (_, name) => {
    expect(await provisionTimeToLive(disabled, fail(400, name))).toHaveLength(1);
    if (name !== "ResourceInUseException")
      expect(await provisionTimeToLive(fail(400, name), fail(400, name))).toHaveLength(1);
  });

  test("repeats what failed for a moment", async () => {
    const throttled = fail(400, "ThrottlingException");
    expect(await provisionTimeToLive(firstRequests(1, throttled, disabled), updated)).toHaveLength(1);
    expect(await provisionTimeToLive(disabled, firstRequests(1, throttled, updated))).toHaveLength(2);
  });

  test("stops when it is aborted while the server is silent", async () => {
    await using proxy = await startProxy(endpoint);
    proxy.handler = hang;
    const driver = dynamodbDriver({ table: newTable(), endpoint: proxy.url });
    const signal = AbortSignal.timeout(200);
    const error = await driver.provision?.(request({ signal })).catch((reason: unknown) => reason);
    expect(driver.classify(error)).toMatchObject({ code: "timeout", retryable: true });
    await driver.close();
  });
});
