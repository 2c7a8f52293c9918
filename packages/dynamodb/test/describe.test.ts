import { CreateTableCommand, DeleteTableCommand } from "@aws-sdk/client-dynamodb";
import {
  answerJson,
  type HttpExchange,
  type HttpHandler,
  passThrough,
  rewriteAnswer,
} from "@manykv/conformance/faults";
import type { StoreDescription } from "@manykv/core";
import { randomName } from "@manykv/test-services";
import { describe, expect, test } from "vitest";
import { dynamodbStore } from "../src/index.js";
import { fail } from "./support/behaviours.js";
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

const codesOf = ({ findings }: StoreDescription): string[] => findings.map(({ code }) => code);

/** Changes what DescribeTable returns. */
function withTable(change: object): HttpHandler {
  return rewriteAnswer((answer) => {
    const { Table } = JSON.parse(answer.body.toString()) as { Table: object };
    const { "x-amz-crc32": _, ...headers } = answer.headers;
    return { ...answer, headers, body: Buffer.from(JSON.stringify({ Table: { ...Table, ...change } })) };
  });
}

function timeToLive(TimeToLiveStatus: string, AttributeName = "manykv_ttl"): HttpHandler {
  return answerJson(200, { TimeToLiveDescription: { TimeToLiveStatus, AttributeName } });
}

function backups(PointInTimeRecoveryStatus: string): HttpHandler {
  const PointInTimeRecoveryDescription = { PointInTimeRecoveryStatus };
  return answerJson(200, { ContinuousBackupsDescription: { PointInTimeRecoveryDescription } });
}

describe("describe()", () => {
  test("says that lost writes cannot be settled, why, and what to do", async () => {
    const { driver, server, table, abilities, topology, findings } = await described({});
    expect({ driver, table, abilities, topology }).toEqual({
      driver: "dynamodb",
      abilities: {
        settlesLostWrites: false,
        ttl: true,
        ifAbsent: true,
        increment: true,
        compareAndSwap: true,
        buckets: true,
      },
      topology: "service",
      table: { name, layout: '"k" (S)' },
    });
    expect(server?.port).toBeGreaterThan(0);
    const [finding] = findings;
    expect(finding).toMatchObject({ code: "cannot-settle", severity: "note" });
    expect(finding?.message).toMatch(/cannot cancel.*may take effect later.*Put a version/);
  });

  test.each([
    ["arn:scylla:alternator:alternator_t:scylla:table/t", "alternator"],
    ["arn:aws:dynamodb:ddblocal:000000000000:table/t", "dynamodb-local"],
    ["arn:aws:dynamodb:us-east-1:000000000000:table/t", undefined],
  ])("of the table %s names the product %s", async (TableArn, product) => {
    expect((await described({ DescribeTable: withTable({ TableArn }) })).product).toBe(product);
  });

  test.each([
    ["DISABLED", ["cannot-settle", "no-point-in-time-recovery"]],
    ["ENABLED", ["cannot-settle"]],
  ])("reports whether point-in-time recovery is %s", async (status, codes) => {
    expect(codesOf(await described({ DescribeContinuousBackups: backups(status) }))).toEqual(codes);
  });

  test("reports a table that is not active, and replicas in other regions", async () => {
    const change = { TableStatus: "UPDATING", Replicas: [{ RegionName: "eu-west-1" }] };
    const codes = codesOf(await described({ DescribeTable: withTable(change) }));
    expect(codes).toEqual(["cannot-settle", "replicated-to-other-regions", "table-not-active"]);
  });

  test("reports a table that does not exist", async () => {
    const missing = randomName();
    const description = await described({}, missing);
    expect(codesOf(description)).toEqual(["cannot-settle", "no-table"]);
    expect(description.table).toEqual({ name: missing, layout: undefined });
  });

  test("reports a table with another primary key, and names both keys", async () => {
    const table = randomName();
    const [AttributeName, AttributeType] = ["id", "N"] as const;
    const KeySchema = [{ AttributeName, KeyType: "HASH" } as const];
    const AttributeDefinitions = [{ AttributeName, AttributeType }];
    await client.send(
      new CreateTableCommand({ TableName: table, BillingMode: "PAY_PER_REQUEST", KeySchema, AttributeDefinitions }),
    );
    const { findings } = await described({}, table);
    const finding = findings.find(({ code }) => code === "other-primary-key");
    expect(finding?.message).toContain('the primary key "id" (N), but the store needs "k" (S)');
    await client.send(new DeleteTableCommand({ TableName: table })).catch(() => {});
  });

  test("without permission to describe the table, says which permission is missing", async () => {
    const denied = fail(400, "AccessDeniedException");
    const description = await described({ DescribeTable: denied, DescribeContinuousBackups: denied });
    expect(codesOf(description)).toEqual(["cannot-settle", "table-not-described"]);
    expect(description.server?.port).toBeGreaterThan(0);
    expect(description.findings[1]).toMatchObject({ severity: "note" });
    expect(description.findings[1]?.message).toContain("dynamodb:DescribeTable");
  });

  test("without permission to describe backups, says nothing about them", async () => {
    const denied = fail(400, "AccessDeniedException");
    expect(codesOf(await described({ DescribeContinuousBackups: denied }))).toEqual(["cannot-settle"]);
  });

  test.each([
    ["is being enabled", timeToLive("ENABLING"), undefined],
    [
      "is disabled",
      answerJson(200, { TimeToLiveDescription: { TimeToLiveStatus: "DISABLED" } }),
      /call `provision\(\)`/,
    ],
    ["is enabled for another attribute", timeToLive("ENABLED", "other"), /another attribute than "manykv_ttl"/],
    ["must not be described", fail(400, "AccessDeniedException"), /permit dynamodb:DescribeTimeToLive/],
    ["does not exist", fail(400, "UnknownOperationException"), /has no TTL/],
  ])("if the service's TTL %s, says what this means for expired items", async (_, handler, message) => {
    const { findings } = await described({ DescribeTimeToLive: handler });
    const finding = findings.find(({ code }) => code === "expired-items-remain");
    if (message === undefined) expect(finding).toBeUndefined();
    else expect(finding).toMatchObject({ severity: "note", message: expect.stringMatching(message) });
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
