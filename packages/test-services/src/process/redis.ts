import { type RedisOptions, redisArguments, redisUrl } from "../redis-options.js";
import type { DedicatedRedis } from "../service.js";
import { orStop } from "./or-stop.js";
import { redisCommand } from "./redis-command.js";
import { runRedis } from "./redis-process.js";
import { Supervisor } from "./supervisor.js";

const HOST = "127.0.0.1";

/** A `redis-server` from PATH on a free port. */
export async function redisProcess(
  options: RedisOptions,
  print: (line: string) => void,
): Promise<DedicatedRedis> {
  const { command, version } = await redisCommand(print);
  const supervisor = await Supervisor.start("redis");
  return orStop(supervisor, async () => {
    const server = await runRedis(supervisor, command, redisArguments(options), options);
    return {
      source: "process",
      description: `local process redis-server ${version} at ${HOST}:${server.port}`,
      host: HOST,
      port: server.port,
      url: redisUrl(HOST, server.port, options.password),
      kill: server.kill,
      restart: server.restart,
      stop: () => supervisor.stop(),
      [Symbol.asyncDispose]: () => supervisor.stop(),
    };
  });
}
