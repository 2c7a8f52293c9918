import type { CaseContext } from "./case-context.js";
import type { Rule } from "./rules.js";
import type { WitSentenceId } from "./wit-sentences.js";

/** One thing that every backend must do, as data. */
export interface ConformanceCase {
  /** Stable, and starts with its rule: `s04-order-of-keys`. */
  readonly id: string;
  readonly rule: Rule;
  /** The sentences of `wasi:keyvalue/batch` that the case proves. */
  readonly wit?: readonly WitSentenceId[];
  /** What the backend does, in one line. */
  readonly title: string;
  /** The case stands between client and server, so it needs the harness's `servers`. */
  readonly network?: boolean;
  /** Resolves where the backend conforms. */
  run(context: CaseContext): Promise<void>;
}
