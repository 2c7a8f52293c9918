import {
  CLUSTER_NODES,
  clusterAddresses,
  clusterArguments,
  clusterUrl,
  type RedisClusterOptions,
} from "../cluster/cluster-options.js";
import { formCluster } from "../cluster/form-cluster.js";
import { redisArguments } from "../redis-options.js";
import type { DedicatedRedisCluster } from "../service.js";
import { orStop } from "./or-stop.js";
import { redisCommand } from "./redis-command.js";
import { runRedis } from "./redis-process.js";
import { Supervisor } from "./supervisor.js";

const HOST = "127.0.0.1";

/** Six `redis-server`s from PATH on free ports, made one cluster. */
export async function redisClusterProcesses(
  options: RedisClusterOptions,
  print: (line: string) => void,
): Promise<DedicatedRedisCluster> {
  const { command, version } = await redisCommand(print);
  const supervisor = await Supervisor.start("redis-cluster");
  return orStop(supervisor, async () => {
    const args = [...clusterArguments(options), ...redisArguments(options)];
    const servers = await Promise.all(
      Array.from({ length: CLUSTER_NODES }, () => runRedis(supervisor, command, args, { clusterBus: true })),
    );
    const nodes = servers.map((server) => ({ host: HOST, ...server }));
    await formCluster(nodes);
    return {
      source: "process",
      description: `local processes redis-server ${version} at ${clusterAddresses(nodes)}`,
      host: HOST,
      port: nodes[0]?.port ?? 0,
      url: clusterUrl(nodes),
      nodes,
      stop: () => supervisor.stop(),
      [Symbol.asyncDispose]: () => supervisor.stop(),
    };
  });
}
