import type { Address } from "@manykv/conformance/faults";
import type { Driver } from "@manykv/core/driver";

export type BackendName = "redis" | "redis-cluster" | "postgres" | "dynamodb";

export const backendNames: readonly BackendName[] = ["redis", "redis-cluster", "postgres", "dynamodb"];

/** Maps a server to the address that a client connects to: the server's own, or that of a proxy. */
export type Route = (server: Address) => Address;

export const direct: Route = (server) => server;

/** A real server for one campaign alone. */
export interface Testbed extends AsyncDisposable {
  readonly name: BackendName;
  readonly description: string;
  readonly servers: readonly Address[];
  /** Whether a write whose answer was lost can be kept from taking effect later. */
  readonly fenced: boolean;
  /** Creates a client. */
  driver(route: Route): Driver;
  kill(): Promise<void>;
  restart(): Promise<void>;
}

export interface TestbedOptions {
  /** Whether every acknowledged write is on disk. */
  readonly durable?: boolean | undefined;
}
