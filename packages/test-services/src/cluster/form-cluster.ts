import type { Redis } from "ioredis";
import { redisUrl } from "../redis-options.js";
import { withRedis } from "../support/redis-client.js";
import { settle } from "../support/settle.js";

const SLOTS = 16_384;
const MASTERS = 3;
const DEADLINE = 30_000;

interface Node {
  client: Redis;
  host: string;
  port: number;
}

/**
 * Makes one cluster of six empty nodes: the first three are masters that share the slots, the fourth is the
 * replica of the first, and so on. Resolves when every node agrees and every replica is in step.
 *
 * @param addresses - where the nodes are reached by clients and by each other
 */
export async function formCluster(addresses: readonly { host: string; port: number }[]): Promise<void> {
  await withNodes(addresses, [], async (nodes) => {
    await Promise.all(nodes.map(claimSlots));
    await meet(nodes);
    await attachReplicas(nodes);
    await settle("the cluster was not ready", DEADLINE, () => isReady(nodes));
  });
}

async function withNodes(
  [address, ...others]: readonly { host: string; port: number }[],
  nodes: Node[],
  task: (nodes: Node[]) => Promise<void>,
): Promise<void> {
  if (!address) return task(nodes);
  await withRedis(redisUrl(address.host, address.port, undefined), (client) =>
    withNodes(others, [...nodes, { client, ...address }], task),
  );
}

async function claimSlots({ client }: Node, index: number): Promise<void> {
  // Distinct epochs from the start: nodes that meet with equal ones settle that by collisions, which takes time.
  await client.call("CLUSTER", "SET-CONFIG-EPOCH", index + 1);
  if (index >= MASTERS) return;
  const first = Math.round((SLOTS * index) / MASTERS);
  const end = Math.round((SLOTS * (index + 1)) / MASTERS);
  const slots = Array.from({ length: end - first }, (_, offset) => first + offset);
  await client.call("CLUSTER", "ADDSLOTS", ...slots);
}

async function meet(nodes: readonly Node[]): Promise<void> {
  // Each pair is introduced, so that nobody has to wait for gossip to hear of anybody.
  await Promise.all(
    nodes.flatMap(({ client }, index) =>
      nodes.slice(index + 1).map(({ host, port }) => client.call("CLUSTER", "MEET", host, port)),
    ),
  );
  await settle("the nodes of the cluster did not meet", DEADLINE, async () => {
    const known = await Promise.all(nodes.map(({ client }) => knownNodes(client)));
    const all = known.every((each) => each.length === nodes.length && !each.some(isStranger));
    return all || undefined;
  });
}

async function attachReplicas(nodes: readonly Node[]): Promise<void> {
  const masters = nodes.slice(0, MASTERS);
  const ids = await Promise.all(masters.map(({ client }) => client.call("CLUSTER", "MYID")));
  const replicas = nodes.slice(MASTERS);
  await Promise.all(
    replicas.map(({ client }, index) => client.call("CLUSTER", "REPLICATE", String(ids[index]))),
  );
}

async function isReady(nodes: readonly Node[]): Promise<true | undefined> {
  const ready = await Promise.all(nodes.map(({ client }) => nodeIsReady(client)));
  return ready.every(Boolean) || undefined;
}

async function nodeIsReady(client: Redis): Promise<boolean> {
  const [state, ranges, replication] = await Promise.all([
    client.call("CLUSTER", "INFO"),
    client.cluster("SLOTS"),
    client.info("replication"),
  ]);
  const inStep = /role:master|master_link_status:up/.test(replication);
  // Each range is its first and last slot, then its master, then its replicas.
  const complete = ranges.length === MASTERS && ranges.every((range) => range.length === 4);
  return String(state).includes("cluster_state:ok") && complete && inStep;
}

async function knownNodes(client: Redis): Promise<string[]> {
  return String(await client.call("CLUSTER", "NODES"))
    .trim()
    .split("\n");
}

function isStranger(line: string): boolean {
  return line.includes("handshake") || line.includes("noaddr");
}
