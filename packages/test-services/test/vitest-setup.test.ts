import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Cluster, Redis } from "ioredis";
import pg from "pg";
import { expect, test } from "vitest";

test("redis answers at the address that the setup provides", async () => {
  const client = new Redis(serviceUrl("redis"));
  expect(await client.ping()).toBe("PONG");
  client.disconnect();
});

test("the cluster answers at the addresses that the setup provides", async () => {
  const nodes = serviceUrl("redis-cluster").replace("redis+cluster://", "").split(",");
  const cluster = new Cluster(nodes.map((node) => `redis://${node}`));
  await cluster.set("key", "value");
  expect(await cluster.get("key")).toBe("value");
  await cluster.del("key");
  cluster.disconnect();
});

test("postgres answers at the address that the setup provides", async () => {
  const client = new pg.Client(serviceUrl("postgres"));
  await client.connect();
  expect((await client.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  await client.end();
});

test("dynamodb answers at the endpoint that the setup provides, with no credentials named", async () => {
  const client = new DynamoDBClient({ endpoint: serviceUrl("dynamodb") });
  expect((await client.send(new ListTablesCommand({}))).TableNames).toBeInstanceOf(Array);
  client.destroy();
});
