import { type RedisOptions, redisUrl } from "../redis-options.js";
import { withRedis } from "../support/redis-client.js";
import { settle } from "../support/settle.js";
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
    answers: async (port, pid) => {
      const url = redisUrl("127.0.0.1", port, options.password);
      await settle(`redis-server did not answer at port ${port}`, 20_000, () => serves(url, pid));
    },
  });
}

async function serves(url: string, pid: number): Promise<true | undefined> {
  try {
    const server = await withRedis(url, (client) => client.info());
    const ready = server.includes(`process_id:${pid}\r\n`) && server.includes("\r\nloading:0\r\n");
    return ready || undefined;
  } catch {
    return undefined;
  }
}
