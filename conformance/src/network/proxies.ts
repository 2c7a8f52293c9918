import type { Address, Route } from "../harness.js";
import type { ConnectionFault } from "./connection-fault.js";
import { type NetworkProxy, networkProxy } from "./network-proxy.js";

/** A proxy before each server of a backend, and the route through them. */
export interface Proxies {
  readonly route: Route;
  /** How many connections were made to them, on all of them. */
  readonly connections: number;
  /** How often an armed fault has happened, on all of them. */
  readonly faults: number;
  /** Arms every proxy with the same fault, each for itself. */
  arm(fault: ConnectionFault): void;
  refuse(): void;
  heal(): void;
  close(): Promise<void>;
}

export async function startProxies(servers: readonly Address[]): Promise<Proxies> {
  const proxies = new Map<string, NetworkProxy>();
  for (const server of servers) proxies.set(keyOf(server), await networkProxy(server));
  const all = [...proxies.values()];
  return {
    route(server) {
      const proxy = proxies.get(keyOf(server));
      if (proxy === undefined)
        throw new Error(`route: ${keyOf(server)} is not among the harness's \`servers\``);
      return proxy.address;
    },
    get connections() {
      return all.reduce((sum, { counts }) => sum + counts.connections, 0);
    },
    get faults() {
      return all.reduce((sum, { counts }) => sum + counts.faults, 0);
    },
    arm(fault) {
      for (const proxy of all) proxy.arm(fault);
    },
    refuse() {
      for (const proxy of all) proxy.refuse();
    },
    heal() {
      for (const proxy of all) proxy.heal();
    },
    async close() {
      await Promise.all(all.map((proxy) => proxy.close()));
    },
  };
}

function keyOf({ host, port }: Address): string {
  return `${host}:${port}`;
}
