import { portableLimits, type StoreOptions } from "@manykv/core";

/** The longest value of memory is 64 MiB. Shorter ones save a third of the time. */
const portable: StoreOptions = { limits: portableLimits };

/** A package whose mutants can be tested. */
export interface Target {
  /** Folder of the package, from the root of the repository. */
  readonly folder: string;
  /** Test files that pass harnesses to the conformance suite. The suite stage runs exactly these harnesses. */
  readonly suites: readonly string[];
  /** Test files with harnesses of further configurations. They run against mutants that no case of `suites` executes. */
  readonly further?: readonly string[];
  /** Names of the harnesses to run. Default: all harnesses of `suites`. */
  readonly harnesses?: readonly string[];
  /** Options of every store, if they differ from those of the harnesses. */
  readonly options?: StoreOptions;
  /** The servers that the harnesses and tests need. */
  readonly services: readonly ServiceName[];
  /** The vitest projects whose tests the second stage runs against the survivors of the first one. */
  readonly projects: readonly string[];
}

export type ServiceName = "redis" | "redis-cluster" | "postgres" | "dynamodb";

export type TargetName = "core" | "memory" | "redis" | "postgres" | "dynamodb";

export const targets: Readonly<Record<TargetName, Target>> = {
  core: {
    folder: "packages/core",
    suites: ["packages/memory/test/conformance.test.ts"],
    harnesses: ["memory"],
    options: portable,
    services: [],
    projects: ["core", "memory", "conformance"],
  },
  memory: {
    folder: "packages/memory",
    suites: ["packages/memory/test/conformance.test.ts"],
    harnesses: ["memory"],
    options: portable,
    services: [],
    projects: ["memory"],
  },
  redis: {
    folder: "packages/redis",
    suites: ["packages/redis/test/conformance.test.ts", "packages/redis/test/conformance-cluster.test.ts"],
    further: [
      "packages/redis/test/conformance-cluster-client.test.ts",
      "packages/deployments/test/sentinel.test.ts",
      "packages/deployments/test/tls.test.ts",
    ],
    services: ["redis", "redis-cluster"],
    projects: ["redis"],
  },
  postgres: {
    folder: "packages/postgres",
    suites: ["packages/postgres/test/conformance.test.ts"],
    further: ["packages/postgres/test/pglite.test.ts"],
    services: ["postgres"],
    projects: ["postgres"],
  },
  dynamodb: {
    folder: "packages/dynamodb",
    suites: ["packages/dynamodb/test/conformance.test.ts"],
    services: ["dynamodb"],
    projects: ["dynamodb"],
  },
};

export const targetNames: readonly TargetName[] = Object.keys(targets) as TargetName[];
