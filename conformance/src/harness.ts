import type { Store, StoreOptions } from "@manykv/core";
import type { Driver } from "@manykv/core/driver";
import type { Address } from "./faults/tcp-proxy.js";

export type { Address };

/** The address to connect to in order to reach a server: the server's own, or that of a proxy before it. */
export type Route = (server: Address) => Address;

/** What a backend author writes: a few lines that make clients of one set of data. */
export interface ConformanceHarness {
  /** Stands before every line that the suite prints, such as `redis`. */
  readonly name: string;
  /**
   * Makes a new client. All clients of one harness work on the same data, as two processes on one server do. `route`
   * maps each of `servers` to the address that this client connects to; a backend without a server ignores it.
   */
  driver(route: Route): Driver | Promise<Driver>;
  /**
   * Options of every store that the suite makes, for example lowered `limits`. A case's own options go on top.
   * `buckets` does not belong here, since each case uses buckets with random names.
   */
  readonly options?: StoreOptions | undefined;
  /** Where the servers listen. Turns on the network fault cases; without it they are skipped, and printed as such. */
  readonly servers?: readonly Address[] | undefined;
  /** Cases to leave out, by id, each with the reason that is printed. */
  readonly skip?: Readonly<Record<string, string>> | undefined;
  /** Model-based read-your-writes runs. Default 200. */
  readonly modelRuns?: number | undefined;
  /** Seed of everything random, to replay a failure. Default: a new one each time. */
  readonly seed?: number | undefined;
  /** Makes a store of a driver. Default: core's `createStore`. For those who test a wrapper of stores. */
  readonly createStore?: ((driver: Driver, options: StoreOptions) => Store) | undefined;
}
