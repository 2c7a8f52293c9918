import type { Abilities } from "@manykv/core";
import type { CaseContext } from "./case-context.js";
import type { Rule } from "./rules.js";
import type { WitSentenceId } from "./wit-sentences.js";

/**
 * The code that a case tests.
 *
 * - `core`: core, in many cases with faults injected between core and the driver. If such a case fails, look for the
 *   bug in core first.
 * - `driver`: the driver and its engine.
 * - `network`: the driver while its connections break. These cases run only if the harness has `servers`.
 * - `ability`: an optional ability of the driver and its engine. These cases run only if the backend has the ability.
 */
export type Subject = "core" | "driver" | "network" | "ability";

/** The name of an ability that a backend may lack. */
export type Ability = Exclude<keyof Abilities, "settlesLostWrites">;

/** A test of one requirement that every backend must meet. */
export interface ConformanceCase {
  /** Stable id that starts with the rule in lowercase, with a two-digit number: `s04-order-of-keys` tests rule S4. */
  readonly id: string;
  /** The rule that the case tests. */
  readonly rule: Rule;
  /** The code that the case tests. */
  readonly subject: Subject;
  /** The sentences of `wasi:keyvalue/batch` that the case tests. */
  readonly wit?: readonly WitSentenceId[];
  /** Abilities that the case needs. The suite skips the case if `store.describe()` reports that the backend lacks one. */
  readonly needs?: readonly Ability[];
  /**
   * Whether the case must not run at the same time as another one: it watches or changes something that all cases share,
   * such as the process's unhandled rejections or the whole server, it keeps the event loop busy, or a busy event loop
   * makes it fail.
   */
  readonly alone?: boolean;
  /** One line that states what a conforming backend does. */
  readonly title: string;
  /** Resolves if the backend conforms. Rejects if the backend does not conform, or if the case skips itself. */
  run(context: CaseContext): Promise<void>;
}
