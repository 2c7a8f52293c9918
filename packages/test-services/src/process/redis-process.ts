import { type RedisOptions, redisUrl } from "../redis-options.js";
import { redisAnswers } from "../support/redis-client.js";
import { freePort } from "./free-port.js";
import { type RunningServer, runServer } from "./run-server.js";
import type { Supervisor } from "./supervisor.js";

/** One redis-server under the supervisor, on a free port of the loopback address. */
export function runRedis(
  supervisor: Supervisor,
  command: string,
  args: readonly string[],
  options: Pick<RedisOptions, "password"> & { clusterBus?: boolean } = {},
): Promise<RunningServer> {
  return runServer(supervisor, {
    name: "redis-server",
    freePort: () => freePort(options),
    specification: (port) => ({
      command,
      args: ["--port", `${port}`, "--bind", "127.0.0.1", ...args],
      name: `redis-${port}`,
      stopSignal: "SIGKILL",
    }),
    answers: (port, pid) => redisAnswers(redisUrl("127.0.0.1", port, options.password), pid),
  });
}
