/** What the tool asks the test worker to do: to run all test files without a mutant, or to run files with one. */
export type ToTestWorker =
  | { readonly type: "cover" }
  | { readonly type: "run"; readonly mutant: string; readonly files: readonly string[] };

export type FromTestWorker =
  | { readonly type: "ready" }
  | { readonly type: "covered"; readonly files: readonly TestFile[] }
  /** `failed` is the first test that failed. */
  | { readonly type: "done"; readonly failed?: string };

export interface TestFile {
  readonly path: string;
  readonly passed: boolean;
  readonly milliseconds: number;
  /** The ids of the mutants that the file's tests execute. */
  readonly mutants: readonly string[];
}
