import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * No system hands these out to outgoing connections (Linux does so from 32,768 on), so a port that is free stays free
 * long enough to be listened on; nor does it the ports of the cluster buses that belong to them. 6379 and 5432 are not
 * among them.
 */
const LOWEST = 10_000;
const HIGHEST = 19_999;

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

/** That many different ports of the kind. */
export async function freePorts(count: number, options: { clusterBus?: boolean }): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort(options));
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
