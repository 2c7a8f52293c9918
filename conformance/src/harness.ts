import type { Store, StoreErrorCode, StoreOptions } from "@manykv/core";
import type { Driver } from "@manykv/core/driver";
import type { Address } from "./faults/tcp-proxy.js";

export type { Address };

/** Returns the address that a client must use for a server: the server's own address or the address of a proxy. */
export type Route = (server: Address) => Address;

/** A client whose server refuses every call, until someone changes the server or the URL. */
export interface Refusal {
  /** What the server refuses, for messages, such as `a wrong password`. */
  readonly what: string;
  /** The code of the error of every call. */
  readonly code: StoreErrorCode;
  /** Creates such a client. */
  readonly driver: () => Driver | Promise<Driver>;
}

/** A program that the suite runs to test how a process that uses the backend ends. */
export interface HarnessChild {
  /** URL of a JavaScript file that calls `runChild` of `@manykv/conformance/child`. */
  readonly file: URL;
  /** What `runChild` passes to its function, such as the name of a table. It must be JSON. Default: `undefined`. */
  readonly data?: unknown;
}

/**
 * Describes a backend to the suite: how to create clients and where the servers listen. The author of the backend
 * writes the harness.
 */
export interface ConformanceHarness {
  /**
   * Name of the backend. It appears in the name of the suite's outer test group and at the start of every line that
   * the suite prints. Must not be empty.
   */
  readonly name: string;
  /**
   * Creates a new client. All clients of one harness must access the same data, like two processes that use one
   * server. For each of `servers`, `route` returns the address that this client must connect to. A backend without
   * servers ignores `route`.
   */
  driver(route: Route): Driver | Promise<Driver>;
  /**
   * Options of every store that the suite creates, such as lower `limits`. A case's own options override them. Do not
   * set `buckets`, because the cases open buckets with random names.
   */
  readonly options?: StoreOptions | undefined;
  /** Addresses of the servers. Without them, the suite skips the network cases. */
  readonly servers?: readonly Address[] | undefined;
  /** Clients whose server refuses every call. Without them, the suite skips the case about steady refusals. */
  readonly refusals?: readonly Refusal[] | undefined;
  /** A program for the cases that run in a child process. Without it, the suite skips these cases. */
  readonly child?: HarnessChild | undefined;
  /** Cases to skip: an object that maps each case id to a reason. */
  readonly skip?: Readonly<Record<string, string>> | undefined;
  /**
   * Number of random call sequences in the case `s07-model`. The case `s07-model-under-faults` runs a quarter of this
   * number. Both cases round their number up to a multiple of 8. Default 200.
   */
  readonly modelRuns?: number | undefined;
  /**
   * Seed of the random calls and faults. To replay a failure, set the seed from the failure message. Default: a new
   * seed for each case.
   */
  readonly seed?: number | undefined;
  /** Creates a store on top of a driver. Set this to test code that wraps stores. Default: core's `createStore`. */
  readonly createStore?: ((driver: Driver, options: StoreOptions) => Store) | undefined;
}
