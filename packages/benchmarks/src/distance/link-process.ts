import { type ProxiedConnection, TcpProxy } from "@manykv/conformance/faults";

export interface LinkCounts {
  /** Number of times that a client sent bytes on a new connection or after a response. */
  readonly roundTrips: number;
  /** Number of round trips on the busiest connection. These round trips cannot overlap. */
  readonly longestChain: number;
}

/** Number of round trips on each connection since the previous report to the parent process. */
let chains = new Map<ProxiedConnection, number>();
/** Connections on which a request was sent and no response has arrived yet. */
const waiting = new WeakSet<ProxiedConnection>();

const [host = "", port, delay] = process.argv.slice(2);
const proxy = await TcpProxy.start({ host, port: Number(port) }, { latency: { request: Number(delay) } });
proxy.intercept = (chunk, direction, connection) => {
  if (direction === "answer") waiting.delete(connection);
  else if (!waiting.has(connection)) {
    waiting.add(connection);
    chains.set(connection, (chains.get(connection) ?? 0) + 1);
  }
  return chunk;
};
process.on("message", () => {
  const each = [...chains.values()];
  const roundTrips = each.reduce((sum, trips) => sum + trips, 0);
  process.send?.({ roundTrips, longestChain: Math.max(0, ...each) } satisfies LinkCounts);
  chains = new Map();
});
// The process that opened the link has ended, so this process exits too.
process.on("disconnect", () => process.exit());
process.send?.(proxy.port);
