import type { Driver } from "@manykv/core";
import type { Address } from "../network/link.js";

export type BackendName = "redis" | "redis-cluster" | "postgres" | "dynamodb";

export const backendNames: readonly BackendName[] = ["redis", "redis-cluster", "postgres", "dynamodb"];

/** The address to connect to in order to reach a server: its own, or that of a link before it. */
export type Route = (server: Address) => Address;

export const direct: Route = (server) => server;

/** A real server that nobody else uses. */
export interface Testbed extends AsyncDisposable {
  readonly name: BackendName;
  readonly description: string;
  readonly servers: readonly Address[];
  /**
   * Whether a write whose answer was lost can be kept from landing later.
   */
  readonly fenced: boolean;
  /** A new client. */
  driver(route: Route): Driver;
  kill(): Promise<void>;
  restart(): Promise<void>;
}

export interface TestbedOptions {
  /** Every acknowledged write is on disk. */
  readonly durable?: boolean | undefined;
}
