import type { CaseContext } from "./case-context.js";
import type { Rule } from "./rules.js";
import type { WitSentenceId } from "./wit-sentences.js";

/**
 * Whose code a case tests.
 *
 * - `core`: the portable layer, with faults injected between it and the driver. If such a case fails, look at core first.
 * - `driver`: the driver and its engine.
 * - `network`: the driver while connections break. Needs the harness's `servers`.
 */
export type Subject = "core" | "driver" | "network";

/** One thing that every backend must do. */
export interface ConformanceCase {
  /** Stable. Starts with the rule: `s04-order-of-keys`. */
  readonly id: string;
  readonly rule: Rule;
  readonly subject: Subject;
  /** The sentences of `wasi:keyvalue/batch` that the case proves. */
  readonly wit?: readonly WitSentenceId[];
  /** What the backend does, in one line. */
  readonly title: string;
  /** Resolves if the backend conforms. */
  run(context: CaseContext): Promise<void>;
}
