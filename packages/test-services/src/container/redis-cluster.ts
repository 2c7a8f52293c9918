import {
  CLUSTER_NODES,
  clusterAddresses,
  clusterArguments,
  clusterUrl,
  type NodeAddress,
  type RedisClusterOptions,
} from "../cluster/cluster-options.js";
import { formCluster } from "../cluster/form-cluster.js";
import { CLUSTER_BUS_OFFSET, freePorts } from "../process/free-port.js";
import { redisArguments, redisUrl } from "../redis-options.js";
import type { Breakable, DedicatedRedisCluster } from "../service.js";
import { redisAnswers, withRedis } from "../support/redis-client.js";
import { settle } from "../support/settle.js";
import { IMAGES } from "./images.js";
import { type Container, guarded, startContainer } from "./start-container.js";

/**
 * Six redis-servers in one container. Each listens inside at the very port that it has outside, and announces the
 * host's address: what a node says of itself and of the others is then true for clients and for nodes alike.
 */
export function redisClusterContainer(options: RedisClusterOptions): Promise<DedicatedRedisCluster> {
  return guarded(async (guard) => {
    const ports = await freePorts(CLUSTER_NODES, { clusterBus: true });
    const container = await startContainer(guard, {
      image: IMAGES.redis,
      command: ["sleep", "infinity"],
      ports: ports
        .flatMap((port) => [port, port + CLUSTER_BUS_OFFSET])
        .map((port) => ({ container: port, host: port })),
    });
    const args = [...clusterArguments(options), ...redisArguments(options)];
    const nodes = await Promise.all(ports.map((port) => startNode(container, port, args)));
    await formCluster(nodes);
    return {
      source: "container",
      description: `container ${IMAGES.redis} at ${clusterAddresses(nodes)}`,
      host: container.host,
      port: ports[0] ?? 0,
      url: clusterUrl(nodes),
      nodes,
      stop: () => guard.stop(),
      [Symbol.asyncDispose]: () => guard.stop(),
    };
  });
}

async function startNode(
  container: Container,
  port: number,
  args: readonly string[],
): Promise<NodeAddress & Breakable> {
  const { host } = container;
  // Every image has a /tmp that every user may write to.
  const folder = `/tmp/${port}`;
  const pidFile = `${folder}/redis.pid`;
  const url = redisUrl(host, port, undefined);
  await container.run(["mkdir", folder]);
  const start = async () => {
    await container.run([
      "redis-server",
      ...["--port", `${port}`, "--bind", "0.0.0.0", "--protected-mode", "no"],
      ...["--dir", folder, "--daemonize", "yes", "--pidfile", pidFile],
      ...["--cluster-announce-ip", host],
      ...args,
    ]);
    await redisAnswers(url);
  };
  const kill = async () => {
    // A node that is down already has no such process.
    await container.run(["sh", "-c", `kill -9 "$(cat ${pidFile})" || true`]);
    await settle(`the node at port ${port} did not end`, 10_000, () =>
      withRedis(url, (client) => client.ping()).then(
        () => undefined,
        () => true as const,
      ),
    );
  };
  await start();
  return {
    host,
    port,
    kill,
    restart: async () => {
      await kill();
      await start();
    },
  };
}
