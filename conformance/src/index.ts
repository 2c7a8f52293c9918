export { type BucketOptions, CaseContext, type ClientOptions } from "./case-context.js";
export { cases } from "./cases/index.js";
export type { Ability, ConformanceCase, Subject } from "./conformance-case.js";
export {
  type DifferentialOptions,
  type DifferentialResult,
  differential,
} from "./differential/differential.js";
export { describeFailure, toJson } from "./failure.js";
export type { Operation } from "./faults/call-fault.js";
export type {
  Address,
  ConformanceHarness,
  EngineFailure,
  ExpectedReport,
  FailingEngine,
  FailureMarks,
  HarnessChild,
  InvalidSetting,
  KnownDescription,
  KnownServer,
  Refusal,
  Route,
  Variant,
} from "./harness.js";
export { type Level, type LevelStatus, levelOf, levels } from "./levels.js";
export type { CaseFailure, CaseResult, SkipKind, SuiteEvent, SuiteResult } from "./results.js";
export { type Rule, rules } from "./rules.js";
export { type RunCaseOptions, runCase } from "./run-case.js";
export { type RunSuiteOptions, runSuite } from "./run-suite.js";
export type { Runner } from "./runner.js";
export { skipSubject } from "./skip-subject.js";
export { conformanceSuite } from "./suite.js";
export { type WitSentenceId, witSentences } from "./wit-sentences.js";
