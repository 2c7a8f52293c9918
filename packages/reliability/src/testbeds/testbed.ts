import type { Address } from "@manykv/conformance/faults";
import type { Driver } from "@manykv/core/driver";

export type BackendName = "memory" | "redis" | "redis-cluster" | "postgres" | "dynamodb";

/** Backends with servers, which campaigns can reach through a proxy and kill. */
export const serverNames: readonly BackendName[] = ["redis", "redis-cluster", "postgres", "dynamodb"];

export const backendNames: readonly BackendName[] = ["memory", ...serverNames];

/** Returns the address to which a client connects: the address of the server or of a proxy. */
export type Route = (server: Address) => Address;

export const direct: Route = (server) => server;

/** The real servers of one backend, or a store in memory. Campaigns do not share a testbed. */
export interface Testbed extends AsyncDisposable {
  readonly name: BackendName;
  readonly description: string;
  readonly servers: readonly Address[];
  /** Whether the driver can stop a write whose response was lost, so that the write does not take effect later. */
  readonly fenced: boolean;
  /** Returns a new driver that connects through `route`. In memory, all drivers share their data. */
  driver(route: Route): Driver;
  kill(): Promise<void>;
  restart(): Promise<void>;
}

export interface TestbedOptions {
  /** Whether the servers write to disk before they acknowledge a write. Default: false. */
  readonly durable?: boolean | undefined;
}
