import { type DedicatedRedisCluster, startDedicatedRedisCluster } from "@manykv/test-services";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clusterClient, redisClient } from "./support/clients.js";

let cluster: DedicatedRedisCluster;

beforeAll(async () => {
  cluster = await startDedicatedRedisCluster({ durable: true, nodeTimeout: 2_000 });
});
afterAll(() => cluster.stop());

type Node = [host: string, port: number];
type Slots = [first: number, last: number, master: Node, ...replicas: Node[]][];

async function slots(port: number): Promise<Slots> {
  return (await redisClient(`redis://${cluster.host}:${port}`).call("CLUSTER", "SLOTS")) as Slots;
}

test("three masters with one replica each serve all 16,384 slots, and every node agrees", async () => {
  expect(cluster.nodes).toHaveLength(6);
  for (const { port } of cluster.nodes) {
    const ranges = await slots(port);
    expect(ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0)).toBe(16_384);
    const masters = new Set(ranges.map(([, , [, masterPort]]) => masterPort));
    const replicas = new Set(ranges.flatMap(([, , , ...nodes]) => nodes.map(([, replicaPort]) => replicaPort)));
    expect(masters.size).toBe(3);
    expect(replicas.size).toBe(3);
    expect([...masters, ...replicas].sort()).toEqual(cluster.nodes.map((node) => node.port).sort());
  }
});

test("a client can reach the addresses that the nodes report", async () => {
  for (const [, , ...nodes] of await slots(cluster.port)) {
    for (const [host, port] of nodes) {
      expect(host).toBe(cluster.host);
      expect(await redisClient(`redis://${host}:${port}`).ping()).toBe("PONG");
    }
  }
});

test("CLUSTER FAILOVER makes a replica the master", async () => {
  const [first] = await slots(cluster.port);
  const [, , [, masterPort] = [], [, replicaPort] = []] = first ?? [];
  await redisClient(`redis://${cluster.host}:${replicaPort}`).cluster("FAILOVER");
  await expect.poll(async () => await mastersOf(replicaPort ?? 0), { timeout: 20_000 }).toContain(replicaPort);
  expect(await mastersOf(replicaPort ?? 0)).not.toContain(masterPort);
});

test("after a master is killed, its replica takes over, and a restart restores the node and its data", async () => {
  const client = clusterClient(cluster.url);
  await client.set("key", "value");
  const port = await masterOf("key");
  const node = cluster.nodes.find((each) => each.port === port);
  const other = cluster.nodes.find((each) => each.port !== port);
  await node?.kill();
  await expect.poll(() => mastersOf(other?.port ?? 0), { timeout: 30_000 }).not.toContain(port);
  await client.set("key", "newer");
  await node?.restart();
  await expect
    .poll(() => redisClient(`redis://${cluster.host}:${port}`).role(), { timeout: 30_000 })
    .toContain("slave");
  expect(await client.get("key")).toBe("newer");
});

async function mastersOf(port: number): Promise<number[]> {
  return (await slots(port)).map(([, , [, masterPort]]) => masterPort);
}

async function masterOf(key: string): Promise<number> {
  const slot = Number(await redisClient(`redis://${cluster.host}:${cluster.port}`).cluster("KEYSLOT", key));
  const range = (await slots(cluster.port)).find(([first, last]) => first <= slot && slot <= last);
  return range?.[2][1] ?? 0;
}
