import type { Subject } from "./conformance-case.js";
import type { Level, LevelStatus } from "./levels.js";
import type { Rule } from "./rules.js";

/**
 * Why a case did not run.
 *
 * - `asked`: the harness's `skip` names it.
 * - `ability`: the backend lacks an ability that the case needs.
 * - `not-applicable`: the harness or the driver lacks something optional that the case needs, such as `servers`.
 * - `not-run`: the run ended first, because the smoke case failed or the run was cancelled.
 */
export type SkipKind = "asked" | "ability" | "not-applicable" | "not-run";

/** The result of one case. */
export interface CaseResult {
  readonly id: string;
  readonly rule: Rule;
  readonly subject: Subject;
  readonly level: Level;
  readonly title: string;
  readonly status: "passed" | "failed" | "skipped";
  /** Duration of the case and of its cleanup. */
  readonly milliseconds: number;
  /** To replay the case, set this seed in the harness. */
  readonly seed: number;
  /** Present if the case was skipped. */
  readonly skip?: SkipKind;
  /** Why the case was skipped, as a sentence without a full stop. */
  readonly reason?: string;
  /** Present if the case failed. */
  readonly failure?: CaseFailure;
}

/** Why a case failed. The texts can contain keys, values and the errors of the driver and its client library. */
export interface CaseFailure {
  /** What failed: the smoke case, another case, the cleanup after a case that passed, or a case that did not end. */
  readonly phase: "smoke" | "run" | "cleanup" | "timeout";
  /** What the case or its cleanup threw. */
  readonly error: unknown;
  /** What the backend did and what it must do, with actual and expected values. */
  readonly message: string;
  /** The stack of `error`, without its message. */
  readonly stack?: string;
  /** The last error that a method of the driver threw during the case. */
  readonly driverError?: unknown;
  /** The causes of `error` and the last errors that the driver's methods threw, each with its stack. */
  readonly cause: readonly string[];
  /** The last requests that reached the driver, with their answers. One line each. */
  readonly requests: readonly string[];
  /** The faults that the suite injected, in words. */
  readonly fault?: string;
}

/** The result of a run. */
export interface SuiteResult {
  /** Name of the backend. */
  readonly backend: string;
  /** Product, version and topology of the server, if the driver reports them. */
  readonly server?: string;
  /** To replay the run, set this seed in the harness. */
  readonly seed: number;
  /** When the run started, in ISO 8601. */
  readonly startedAt: string;
  readonly milliseconds: number;
  /** The results in the order of the cases. The smoke case comes first. */
  readonly results: readonly CaseResult[];
  readonly counts: Readonly<Record<CaseResult["status"], number>>;
  /** Whether every chosen case could run. `false` if the smoke case failed or the run was cancelled. */
  readonly complete: boolean;
  /** Number of cases whose cleanup failed. Only the first one of those with the same error counts as failed. */
  readonly failedCleanups: number;
  /** The promise rejections that stayed unhandled during the run, with their stacks. With one, the run reaches no level. */
  readonly unhandled: readonly string[];
  readonly levels: Readonly<Record<Level, LevelStatus>>;
}

/** What happens during a run. */
export type SuiteEvent =
  /** The run starts. `cases` counts the cases that run, including the smoke case. */
  | { readonly type: "start"; readonly backend: string; readonly cases: number; readonly seed: number }
  | { readonly type: "case-start"; readonly id: string }
  /** A case ended. A case that does not run has no `case-start`. */
  | { readonly type: "case-end"; readonly result: CaseResult }
  | { readonly type: "end"; readonly result: SuiteResult };
