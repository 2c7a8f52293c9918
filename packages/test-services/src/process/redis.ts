import {
  clusterAddresses,
  clusterArguments,
  clusterSize,
  clusterUrl,
  type RedisClusterOptions,
  type RedisOptions,
  redisArguments,
  redisUrl,
} from "../options.js";
import type { DedicatedRedis, DedicatedRedisCluster } from "../service.js";
import { redisResponds } from "../support/clients.js";
import { formCluster } from "../support/form-cluster.js";
import { freePort } from "./free-port.js";
import { redisCommand } from "./redis-command.js";
import { type RunningServer, runServer } from "./run-server.js";
import { type Supervisor, withSupervisor } from "./supervisor.js";

const host = "127.0.0.1";

/** Runs `redis-server` from `PATH` on a free port. */
export async function redisProcess(options: RedisOptions, print: (line: string) => void): Promise<DedicatedRedis> {
  const { command, version } = await redisCommand(print);
  return withSupervisor("redis", async (supervisor) => {
    const server = await runRedis(supervisor, command, redisArguments(options), options);
    return {
      source: "process",
      description: `local process redis-server ${version} at ${host}:${server.port}`,
      host,
      port: server.port,
      url: redisUrl(host, server.port, options.password),
      kill: server.kill,
      restart: server.restart,
      stop: () => supervisor.stop(),
      [Symbol.asyncDispose]: () => supervisor.stop(),
    };
  });
}

/** Runs six `redis-server`s on free ports and joins them into a cluster. */
export async function redisClusterProcesses(
  options: RedisClusterOptions,
  print: (line: string) => void,
): Promise<DedicatedRedisCluster> {
  const { command, version } = await redisCommand(print);
  return withSupervisor("redis-cluster", async (supervisor) => {
    const args = clusterArguments(options);
    const servers = await Promise.all(
      Array.from({ length: clusterSize }, () => runRedis(supervisor, command, args, { clusterBus: true })),
    );
    const nodes = servers.map((server) => ({ host, ...server }));
    await formCluster(nodes);
    return {
      source: "process",
      description: `local processes redis-server ${version} at ${clusterAddresses(nodes)}`,
      host,
      port: nodes[0]?.port ?? 0,
      url: clusterUrl(nodes),
      nodes,
      stop: () => supervisor.stop(),
      [Symbol.asyncDispose]: () => supervisor.stop(),
    };
  });
}

function runRedis(
  supervisor: Supervisor,
  command: string,
  args: readonly string[],
  options: { password?: string; clusterBus?: boolean },
): Promise<RunningServer> {
  return runServer(supervisor, {
    name: "redis-server",
    freePort: () => freePort(options),
    specification: (port) => ({
      command,
      args: ["--port", `${port}`, "--bind", host, ...args],
      name: `redis-${port}`,
      stopSignal: "SIGKILL",
    }),
    responds: (port, pid) => redisResponds(redisUrl(host, port, options.password), pid),
  });
}
