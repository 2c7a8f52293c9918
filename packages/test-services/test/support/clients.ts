import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import type { DynamodbService } from "@manykv/test-services";
import { Cluster, Redis } from "ioredis";
import pg from "pg";
import { onTestFinished } from "vitest";

export function redisClient(url: string): Redis {
  const client = new Redis(url);
  // Tests break the server on purpose. The commands in flight reject, so this event adds nothing.
  client.on("error", () => {});
  onTestFinished(() => client.disconnect());
  return client;
}

export function clusterClient(url: string): Cluster {
  const nodes = url.replace("redis+cluster://", "").split(",");
  const client = new Cluster(nodes.map((node) => `redis://${node}`));
  client.on("error", () => {});
  onTestFinished(() => client.disconnect());
  return client;
}

/** Runs one statement on a new connection and returns the rows. */
export async function sql(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url);
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

export function dynamodbClient(service: DynamodbService): DynamoDBClient {
  const client = new DynamoDBClient({
    endpoint: service.url,
    region: service.region,
    ...(service.credentials && { credentials: service.credentials }),
  });
  onTestFinished(() => client.destroy());
  return client;
}

export async function createTable(client: DynamoDBClient, table: string): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }, { TableName: table });
}

export async function putItem(client: DynamoDBClient, table: string, id: string): Promise<void> {
  await client.send(new PutItemCommand({ TableName: table, Item: { id: { S: id } } }));
}

export async function hasItem(client: DynamoDBClient, table: string, id: string): Promise<boolean> {
  const { Item } = await client.send(
    new GetItemCommand({ TableName: table, Key: { id: { S: id } }, ConsistentRead: true }),
  );
  return Item !== undefined;
}
