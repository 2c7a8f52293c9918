import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * By default, operating systems do not use these ports for outgoing connections (Linux starts at 32,768), so a free
 * port usually stays free until the server listens. The same is true of the cluster bus ports. The default ports of
 * Redis and Postgres are outside this range.
 */
const lowestPort = 10_000;
const highestPort = 19_999;

/**
 * A Redis Cluster node also listens on its port plus this number:
 * https://redis.io/docs/latest/operate/oss_and_stack/management/scaling/
 */
export const clusterBusOffset = 10_000;

/** Returns a free port. With `clusterBus`, its bus port is also free. Another process may take the port at any time. */
export async function freePort(options: { clusterBus?: boolean } = {}): Promise<number> {
  for (;;) {
    const port = randomInt(lowestPort, highestPort + 1);
    if (!(await isFree(port))) continue;
    if (options.clusterBus && !(await isFree(port + clusterBusOffset))) continue;
    return port;
  }
}

/** Returns `count` different free ports. */
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
