import type { Store, StoreOptions } from "@manykv/core";
import type { Driver } from "@manykv/core/driver";
import type { Address } from "./faults/tcp-proxy.js";

export type { Address };

/** Maps a server to the address that a client connects to: the server's own, or that of a proxy. */
export type Route = (server: Address) => Address;

/** What a backend author writes: how to create clients, and where the servers listen. */
export interface ConformanceHarness {
  /** Prefix of every line that the suite prints, such as the backend's name. */
  readonly name: string;
  /**
   * Creates a new client. All clients of one harness work on the same data, like two processes with one server. `route`
   * maps each of `servers` to the address that this client must connect to. A backend without servers ignores it.
   */
  driver(route: Route): Driver | Promise<Driver>;
  /**
   * Options of every store that the suite creates, such as lower `limits`. A case's own options override them. Do not
   * pass `buckets`: cases use buckets with random names.
   */
  readonly options?: StoreOptions | undefined;
  /** Where the servers listen. Enables the network cases, which are otherwise skipped. */
  readonly servers?: readonly Address[] | undefined;
  /** Cases to skip: the reason for each id. */
  readonly skip?: Readonly<Record<string, string>> | undefined;
  /** Number of model-based runs. Default 200. */
  readonly modelRuns?: number | undefined;
  /** Seed of everything random, to replay a failure. Default: a new seed each time. */
  readonly seed?: number | undefined;
  /** Creates a store over a driver. Default: core's `createStore`. To test a wrapper of stores. */
  readonly createStore?: ((driver: Driver, options: StoreOptions) => Store) | undefined;
}
