import type { StoreOptions } from "@manykv/core";

/** What a worker runs. It is JSON, and the worker's argument. */
export interface SuiteSettings {
  /** The modules with the harnesses. */
  readonly suites: readonly string[];
  /** The modules with the harnesses of further configurations. */
  readonly further: readonly string[];
  /** Names of the harnesses to run. Empty for all. */
  readonly harnesses: readonly string[];
  readonly seed: number;
  /** Options of every store. Absent if they are those of the harnesses. */
  readonly options?: StoreOptions | undefined;
}

/** What the tool asks a worker to do: to run cases one by one and report their coverage, or to run cases with a mutant. */
export type ToWorker =
  | { readonly type: "cover"; readonly units: readonly string[] }
  | {
      readonly type: "run";
      readonly mutant: string | undefined;
      readonly hitLimit: number | undefined;
      readonly units: readonly string[];
      readonly concurrency: number;
    };

/** What a worker reports. A unit is a case with a harness. */
export type FromWorker =
  | {
      readonly type: "ready";
      readonly units: readonly string[];
      /** The units with the harnesses of `further`. */
      readonly further: readonly string[];
      /** The units that must not run at the same time as another one. */
      readonly alone: readonly string[];
      /** The mutants that were executed while the modules loaded. */
      readonly covered: readonly string[];
    }
  | { readonly type: "start"; readonly unit: string }
  | {
      readonly type: "end";
      readonly unit: string;
      readonly status: "passed" | "failed" | "skipped";
      readonly milliseconds: number;
      readonly reason?: string;
      /** How often each mutant was executed, by its id. Only the answer to `cover` has it. */
      readonly hits?: Readonly<Record<string, number>>;
    }
  | { readonly type: "unhandled"; readonly reason: string }
  | { readonly type: "done" };
