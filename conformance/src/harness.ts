import type { Abilities, Finding, Store, StoreErrorCode, StoreOptions } from "@manykv/core";
import type { Driver, Fault } from "@manykv/core/driver";
import type { Operation } from "./faults/call-fault.js";
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

/** A client with other settings than those of `driver`, which accesses the same data. */
export interface Variant {
  /** What differs, for messages, such as `a client of the caller`. */
  readonly what: string;
  /** Creates such a client. */
  readonly driver: () => Driver | Promise<Driver>;
}

/** A client of a server whose product, deployment and settings are known, such as one that the author has set up. */
export interface KnownServer {
  /** What the server is, for messages, such as `a replica`. */
  readonly what: string;
  /** Creates such a client. */
  readonly driver: () => Driver | Promise<Driver>;
  /** What `describe()` must report about the server. */
  readonly description: KnownDescription;
}

/** The suite does not compare members that are absent. A member that is `undefined` must not be reported. */
export interface KnownDescription {
  readonly product?: string | undefined;
  readonly version?: string | undefined;
  readonly topology?: string | undefined;
  /** The abilities to compare. */
  readonly abilities?: Partial<Abilities>;
  /** The code and severity of each finding. The server must have no other findings. */
  readonly findings?: Readonly<Record<string, Finding["severity"]>>;
}

/** Settings that can never work, such as a URL with an invalid port. */
export interface InvalidSetting {
  /** What is wrong, for messages. */
  readonly what: string;
  /**
   * Creates a client with these settings. It must throw a `StoreError` with the code `invalid-argument`.
   *
   * @param secret - Put it into the settings as a password. The suite checks that the error does not contain it.
   */
  readonly driver: (secret: string) => unknown;
}

/**
 * A way in which the engine refuses, throttles or answers in part. The author of the backend provokes it in the real
 * engine, such as with a trigger, an access rule or a memory limit, or with a proxy that changes the engine's answers.
 */
export interface EngineFailure {
  /** What the engine does, for messages, such as `refuses writes because its memory is full`. */
  readonly what: string;
  /** The methods of the driver whose requests fail. */
  readonly operations: readonly Operation[];
  /**
   * - `key`: only the keys that contain the mark `failing` fail. All other keys of the request succeed.
   * - `request`: the other keys of a request with such a key may fail as well.
   *
   * A request without keys (`list`, `listBuckets`, `sweep`) always fails.
   */
  readonly scope: "key" | "request";
  readonly expected: ExpectedReport;
  /** Creates a client whose engine fails after `start`. */
  open(marks: FailureMarks): FailingEngine | Promise<FailingEngine>;
}

/**
 * What the driver must report for a key that fails: a fault, that the key is unprocessed, or `success` if the driver must
 * prevent or solve the problem itself, such as a stale answer to a read that does not ask for a consistent one. If
 * `reason` or `retryAfter` is absent, the driver may report any. If it is `undefined`, the driver must not report one.
 */
export type ExpectedReport =
  | Pick<Fault, "code" | "retryable" | "effect" | "reason" | "retryAfter">
  | "unprocessed"
  | "success";

/**
 * Random words of letters and digits in the keys of a case. Every key contains exactly one of them, so an engine can
 * refuse what contains `failing` or permit only what contains `working`.
 */
export interface FailureMarks {
  readonly failing: string;
  readonly working: string;
}

/** A client whose engine fails between `start` and `stop`. */
export interface FailingEngine {
  /** The driver to test. The suite closes it. */
  readonly driver: Driver;
  /**
   * A client of the same data. The suite uses it only while the failure is stopped, and closes it. Default: a client
   * that the suite creates with the harness's `driver` function.
   */
  readonly direct?: Driver | undefined;
  /** Begins the failure. The suite may start and stop the failure several times. */
  start(): void | Promise<void>;
  /** Ends the failure. Also called if the failure is not running. */
  stop(): void | Promise<void>;
  /** Closes what `open` opened besides the drivers. */
  close?(): void | Promise<void>;
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
  /** Clients with other settings that access the same data. Without them, the suite skips `same-variants`. */
  readonly variants?: readonly Variant[] | undefined;
  /** Clients of servers that are known. Without them, the suite skips `same-known-servers`. */
  readonly knownServers?: readonly KnownServer[] | undefined;
  /** Settings that can never work. Without them, the suite skips `same-invalid-settings`. */
  readonly invalidSettings?: readonly InvalidSetting[] | undefined;
  /**
   * Ways in which the engine fails. Without them, the suite skips the cases about the failures of the real engine. Only
   * one failure is open at a time, and no other case of this suite runs meanwhile.
   */
  readonly engineFailures?: readonly EngineFailure[] | undefined;
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
   * seed for each run.
   */
  readonly seed?: number | undefined;
  /** Creates a store on top of a driver. Set this to test code that wraps stores. Default: core's `createStore`. */
  readonly createStore?: ((driver: Driver, options: StoreOptions) => Store) | undefined;
}
