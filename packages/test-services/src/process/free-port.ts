import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Ports that systems hand to outgoing connections start at 32,768 (Linux) or above, so neither a port from
 *  here nor its cluster bus is taken by one. 6379 and 5432 are never among them. */
const LOWEST = 10_000;
const HIGHEST = 22_767;

/** A Redis Cluster node also listens here, by default at its port plus 10,000:
 *  https://redis.io/docs/latest/operate/oss_and_stack/management/scaling/ */
export const CLUSTER_BUS_OFFSET = 10_000;

/** A port that nobody listens on, and with `clusterBus` its bus port too. Someone may still take it first. */
export async function freePort(options: { clusterBus?: boolean } = {}): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST + 1);
    if (!(await isFree(port))) continue;
    if (options.clusterBus && !(await isFree(port + CLUSTER_BUS_OFFSET))) continue;
    return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
