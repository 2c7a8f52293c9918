import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Cluster, Redis } from "ioredis";
import pg from "pg";
import { expect, test } from "vitest";
import { runVitest } from "./support/run-vitest.js";

test("serviceUrl returns the address of redis", async () => {
  const client = new Redis(serviceUrl("redis"));
  expect(await client.ping()).toBe("PONG");
  client.disconnect();
});

test("serviceUrl returns the addresses of the cluster", async () => {
  const [, user = "", nodes = ""] = /^redis\+cluster:\/\/(.*@)?(.*)$/.exec(serviceUrl("redis-cluster")) ?? [];
  const cluster = new Cluster(nodes.split(",").map((node) => `redis://${user}${node}`));
  await cluster.set("key", "value");
  expect(await cluster.get("key")).toBe("value");
  await cluster.del("key");
  cluster.disconnect();
});

test("serviceUrl returns the address of postgres", async () => {
  const client = new pg.Client(serviceUrl("postgres"));
  await client.connect();
  expect((await client.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  await client.end();
});

test("serviceUrl returns the endpoint of dynamodb, which needs no explicit credentials", async () => {
  const client = new DynamoDBClient({ endpoint: serviceUrl("dynamodb") });
  expect((await client.send(new ListTablesCommand({}))).TableNames).toBeInstanceOf(Array);
  client.destroy();
});

test("projects of one run share one server, and the error in a project without the setup says what to add", async () => {
  const run = await runVitest("two-projects", ["--reporter=default"]);
  const starts = run.output.filter((line) => /^redis: (local process|container|MANYKV_REDIS_URL) /.test(line));
  expect(starts).toHaveLength(1);
  expect(run.errors).toContain('Add "@manykv/test-services/setup/redis" to globalSetup');
  expect(run.output.at(-1)).toBe("2 passed, 1 failed");
});
