import { CreateTableCommand, DeleteTableCommand, DescribeTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { afterEach, describe, expect, test } from "vitest";
import { dynamodbDriver, dynamodbStore } from "../src/index.js";
import { hang } from "./support/behaviours.js";
import { request } from "./support/request.js";
import { startProxy } from "./support/start-proxy.js";

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
