import type { Redis } from "ioredis";
import { type NodeAddress, redisUrl } from "../options.js";
import { withRedis } from "./clients.js";
import { waitUntil } from "./retry.js";

const slotCount = 16_384;
const masterCount = 3;
const timeout = 30_000;

interface Node extends NodeAddress {
  readonly client: Redis;
}

/**
 * Joins six empty nodes into a cluster. The first three are masters that share the slots. The fourth is the replica of
 * the first, and so on. Resolves when all nodes report the complete cluster and all replicas are synchronized.
 *
 * @param addresses - addresses that work for clients and for the other nodes
 */
export async function formCluster(addresses: readonly NodeAddress[]): Promise<void> {
  await withNodes(addresses, [], async (nodes) => {
    await Promise.all(nodes.map(claimSlots));
    await meet(nodes);
    await attachReplicas(nodes);
    await waitUntil("the cluster did not become ready", timeout, () => isReady(nodes));
  });
}

async function withNodes(
  [address, ...others]: readonly NodeAddress[],
  nodes: Node[],
  task: (nodes: Node[]) => Promise<void>,
): Promise<void> {
  if (!address) return task(nodes);
  await withRedis(redisUrl(address.host, address.port), (client) =>
    withNodes(others, [...nodes, { client, ...address }], task),
  );
}

async function claimSlots({ client }: Node, index: number): Promise<void> {
  // Give each node a different epoch. Nodes with equal epochs resolve the conflict when they meet, which takes time.
  await client.call("CLUSTER", "SET-CONFIG-EPOCH", index + 1);
  if (index >= masterCount) return;
  const first = Math.round((slotCount * index) / masterCount);
  const end = Math.round((slotCount * (index + 1)) / masterCount);
  const slots = Array.from({ length: end - first }, (_, offset) => first + offset);
  await client.call("CLUSTER", "ADDSLOTS", ...slots);
}

async function meet(nodes: readonly Node[]): Promise<void> {
  // Introduce each pair of nodes, so that no node has to wait for gossip.
  await Promise.all(
    nodes.flatMap(({ client }, index) =>
      nodes.slice(index + 1).map(({ host, port }) => client.call("CLUSTER", "MEET", host, port)),
    ),
  );
  await waitUntil("the nodes of the cluster did not meet", timeout, async () => {
    const known = await Promise.all(nodes.map(({ client }) => knownNodes(client)));
    const all = known.every((each) => each.length === nodes.length && !each.some(isUnknown));
    return all || undefined;
  });
}

async function attachReplicas(nodes: readonly Node[]): Promise<void> {
  const masters = nodes.slice(0, masterCount);
  const ids = await Promise.all(masters.map(({ client }) => client.call("CLUSTER", "MYID")));
  const replicas = nodes.slice(masterCount);
  await Promise.all(replicas.map(({ client }, index) => client.call("CLUSTER", "REPLICATE", String(ids[index]))));
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
  const isSynchronized = /role:master|master_link_status:up/.test(replication);
  // A range consists of its first slot, its last slot, its master and its replicas.
  const complete = ranges.length === masterCount && ranges.every((range) => range.length === 4);
  return String(state).includes("cluster_state:ok") && complete && isSynchronized;
}

async function knownNodes(client: Redis): Promise<string[]> {
  return String(await client.call("CLUSTER", "NODES"))
    .trim()
    .split("\n");
}

function isUnknown(line: string): boolean {
  return line.includes("handshake") || line.includes("noaddr");
}
