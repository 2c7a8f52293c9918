import type { Address } from "@manykv/conformance/faults";
import type { Driver } from "@manykv/core/driver";

export type BackendName = "redis" | "redis-cluster" | "postgres" | "dynamodb";

export const backendNames: readonly BackendName[] = ["redis", "redis-cluster", "postgres", "dynamodb"];

/** Returns the address to which a client connects: the address of the server or of a proxy. */
export type Route = (server: Address) => Address;

export const direct: Route = (server) => server;

/** The real servers of one backend. Campaigns do not share a testbed. */
export interface Testbed extends AsyncDisposable {
  readonly name: BackendName;
  readonly description: string;
  readonly servers: readonly Address[];
  /** Whether the driver can stop a write whose response was lost, so that the write does not take effect later. */
  readonly fenced: boolean;
  /** Returns a new driver that connects through `route`. */
  driver(route: Route): Driver;
  kill(): Promise<void>;
  restart(): Promise<void>;
}

export interface TestbedOptions {
  /** Whether the servers write to disk before they acknowledge a write. Default: false. */
  readonly durable?: boolean | undefined;
}
