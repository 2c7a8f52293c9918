import { CreateTableCommand, DeleteTableCommand } from "@aws-sdk/client-dynamodb";
import { answerJson, type HttpExchange, type HttpHandler, passThrough } from "@manykv/conformance/faults";
import type { StoreDescription } from "@manykv/core";
import { randomName } from "@manykv/test-services";
import { describe, expect, test } from "vitest";
import { dynamodbStore } from "../src/index.js";
import { fail, timeToLive } from "./support/behaviours.js";
import { startProxy } from "./support/start-proxy.js";
import { testTable } from "./support/test-table.js";

const { name, client, endpoint } = testTable();

/** Describes a store whose server handles the named operations differently. */
async function described(handlers: Record<string, HttpHandler>, table = name): Promise<StoreDescription> {
  await using proxy = await startProxy(endpoint);
  const all: Record<string, HttpHandler> = { DescribeTimeToLive: timeToLive("ENABLED"), ...handlers };
  proxy.handler = (exchange: HttpExchange) => (all[exchange.operation] ?? passThrough)(exchange);
  await using store = dynamodbStore({ table, endpoint: proxy.url, retry: { baseDelay: 1, maxDelay: 1 } });
  return store.describe();
}

const messageOf = ({ findings }: StoreDescription, code: string): string | undefined =>
  findings.find((finding) => finding.code === code)?.message;

describe("describe()", () => {
  test("returns the server, the table and its primary key, and says that lost writes cannot be settled", async () => {
    const description = await described({});
    expect(description).toMatchObject({ driver: "dynamodb", table: { name, layout: '"k" (S)' } });
    expect(description.server?.port).toBeGreaterThan(0);
    const message = messageOf(description, "cannot-settle");
    expect(message).toMatch(/cannot cancel.*may take effect later.*Put a version/);
  });

  test("returns the name of a table that does not exist, and no primary key", async () => {
    const missing = randomName();
    expect((await described({}, missing)).table).toEqual({ name: missing, layout: undefined });
  });

  test("reports a table with another primary key, and names both keys", async () => {
    const table = randomName();
    const [AttributeName, AttributeType] = ["id", "N"] as const;
    const KeySchema = [{ AttributeName, KeyType: "HASH" } as const];
    const AttributeDefinitions = [{ AttributeName, AttributeType }];
    await client.send(
      new CreateTableCommand({ TableName: table, BillingMode: "PAY_PER_REQUEST", KeySchema, AttributeDefinitions }),
    );
    const message = messageOf(await described({}, table), "other-primary-key");
    expect(message).toContain('the primary key "id" (N), but the store needs "k" (S)');
    await client.send(new DeleteTableCommand({ TableName: table })).catch(() => {});
  });

  test("without permission to describe the table, says which permission is missing", async () => {
    const denied = fail(400, "AccessDeniedException");
    const description = await described({ DescribeTable: denied });
    expect(description.server?.port).toBeGreaterThan(0);
    expect(messageOf(description, "table-not-described")).toContain("dynamodb:DescribeTable");
  });

  test.each([
    [
      "is disabled",
      answerJson(200, { TimeToLiveDescription: { TimeToLiveStatus: "DISABLED" } }),
      /call `provision\(\)`/,
    ],
    ["is enabled for another attribute", timeToLive("ENABLED", "other"), /another attribute than "manykv_ttl"/],
    ["must not be described", fail(400, "AccessDeniedException"), /permit dynamodb:DescribeTimeToLive/],
    ["does not exist", fail(400, "UnknownOperationException"), /has no TTL/],
  ])("if the service's TTL %s, says what this means for expired items", async (_, handler, message) => {
    expect(messageOf(await described({ DescribeTimeToLive: handler }), "expired-items-remain")).toMatch(message);
  });

  test("rejects a damaged description of the service's TTL", async () => {
    const handler = answerJson(200, { TimeToLiveDescription: {} });
    await expect(described({ DescribeTimeToLive: handler })).rejects.toMatchObject({ reason: "MalformedAnswer" });
  });

  test("rejects if the credentials are wrong", async () => {
    const handler = fail(400, "UnrecognizedClientException");
    await expect(described({ DescribeTable: handler })).rejects.toMatchObject({ code: "access-denied" });
  });
});
