import { type ProxiedConnection, TcpProxy } from "@manykv/conformance/faults";

export interface LinkCounts {
  /** How often a client sent something first, or after an answer. */
  readonly roundTrips: number;
  /** The most round trips on one connection. They cannot overlap. */
  readonly longestChain: number;
}

/** Round trips by connection. */
let chains = new Map<ProxiedConnection, number>();
/** Connections whose last bytes were a request. */
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
// The process that opened the link has ended.
process.on("disconnect", () => process.exit());
process.send?.(proxy.port);
