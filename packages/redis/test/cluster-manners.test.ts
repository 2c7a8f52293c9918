import { manners, startDedicatedRedisCluster } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { expect, test } from "vitest";
import { redisStore } from "../src/index.js";
import { alternate } from "./support/alternate.js";
import { bytes } from "./support/bytes.js";
import { ClusterAdmin } from "./support/cluster-admin.js";
import { startProxiedCluster } from "./support/proxied-cluster.js";
import { rejection } from "./support/rejection.js";

test("a listing of a cluster without run ids misses no key when masters restart, and ends if clients alternate", async () => {
  await using cluster = await startDedicatedRedisCluster({ durable: true, nodeTimeout: 60_000 });
  await using proxied = await startProxiedCluster(cluster.nodes, () => manners.noRunId);
  const { client } = proxied;
  const store = redisStore({ client, timeout: 60_000 });
  const bucket = await store.open("bucket");
  const keys = Array.from({ length: 9_000 }, (_, index) => `key${index}`);
  await bucket.setMany(keys.map((key) => [key, bytes("")]));
  const admin = await ClusterAdmin.connect(cluster.nodes);
  const ports = (await admin.masters()).map(({ port }) => port);
  const listed = new Set<string>();
  let cursor: string | undefined;
  for (let page = 1; ; page++) {
    const answer = await bucket.listKeys({ cursor });
    for (const key of answer.keys) listed.add(key);
    cursor = answer.cursor;
    if (cursor === undefined) break;
    const port = ports[page % ports.length];
    if (page < 6) await cluster.nodes.find((node) => node.port === port)?.restart();
  }
  expect(listed.size).toBe(keys.length);
  expect((await store.describe()).findings.map(({ code }) => code)).toEqual(["no-run-id"]);

  await using other = redisStore({ client, timeout: 60_000 });
  const error = await rejection(alternate([bucket, await other.open("bucket")]));
  expect(error).toMatchObject({ code: "unavailable", retryable: false });
  expect(error.message).toContain("the same client");
  await store.close();
  await admin[Symbol.asyncDispose]();
});

test("describe() reports on all masters of a cluster", async () => {
  await using store = redisStore({ url: serviceUrl("redis-cluster") });
  const description = await store.describe();
  expect(description).toMatchObject({ product: "redis", topology: "cluster", abilities: { settlesLostWrites: true } });
  expect(description.version).toMatch(/^\d+\.\d+\.\d+$/);
  expect(description.findings.map(({ code }) => code)).toEqual(["no-persistence"]);
});
