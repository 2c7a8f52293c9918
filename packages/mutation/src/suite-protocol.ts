/** What the tool asks a worker to do: to run all cases and report their coverage, or to run cases with a mutant. */
export type ToWorker =
  | { readonly type: "cover" }
  | {
      readonly type: "run";
      readonly mutant: string | undefined;
      readonly hitLimit: number | undefined;
      readonly units: readonly string[];
      readonly concurrency: number;
    };

/** What a worker reports. A unit is a case with a harness. */
export type FromWorker =
  | { readonly type: "ready"; readonly units: readonly string[]; readonly covered: readonly string[] }
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
