/**
 * What a history can show to be wrong.
 *
 * | kind | meaning |
 * | --- | --- |
 * | `lost-write` | a call resolved, and what it wrote is not there |
 * | `false-applied` | a call rejected and called a key `applied`, and it is not |
 * | `false-not-applied` | a key was called `not-applied`, and it is there |
 * | `stale-overwrite` | an older write landed over a newer acknowledged one |
 * | `stale-read` | a read began after a write was acknowledged, and saw what was before it |
 * | `false-missing` | a read said that there is no value, and there was one all the time |
 * | `torn-value` | a value was read that is not whole |
 * | `value-nobody-wrote` | a value was read under a key that nobody wrote there |
 * | `impossible-order` | each read is possible by itself, all of them together are not |
 * | `unsettled` | a call never settled |
 * | `settled-late` | a call settled after its deadline |
 * | `malformed-error` | a call rejected with something other than it must |
 * | `misplaced-answer` | an answer has other keys, or another number of places, than was asked |
 */
export type ViolationKind =
  | "lost-write"
  | "false-applied"
  | "false-not-applied"
  | "stale-overwrite"
  | "stale-read"
  | "false-missing"
  | "torn-value"
  | "value-nobody-wrote"
  | "impossible-order"
  | "unsettled"
  | "settled-late"
  | "malformed-error"
  | "misplaced-answer";

export interface Violation {
  readonly kind: ViolationKind;
  /** Absent where the call as a whole misbehaved. */
  readonly key?: string;
  readonly text: string;
}
