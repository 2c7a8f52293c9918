/**
 * What a history can prove wrong.
 *
 * | kind | meaning |
 * | --- | --- |
 * | `lost-write` | a call resolved, but its write is missing |
 * | `false-applied` | a call rejected and reported a key `applied`, but the write is missing |
 * | `false-not-applied` | a call reported a key `not-applied`, but the write took effect |
 * | `stale-overwrite` | an older write overwrote a newer, acknowledged one |
 * | `stale-read` | a read that began after a write was acknowledged saw the value before it |
 * | `false-missing` | a read reported a key missing that had a value the whole time |
 * | `torn-value` | a read returned a value that is damaged or mixed from several |
 * | `unwritten-value` | a read returned a value that no client wrote under this key |
 * | `impossible-order` | each read is possible by itself, but no order of the writes explains all of them |
 * | `unsettled` | a call never settled |
 * | `settled-late` | a call settled after its deadline |
 * | `malformed-error` | a call rejected with the wrong kind of error |
 * | `misplaced-answer` | an answer has the wrong keys or the wrong number of places |
 */
export type AnomalyKind =
  | "lost-write"
  | "false-applied"
  | "false-not-applied"
  | "stale-overwrite"
  | "stale-read"
  | "false-missing"
  | "torn-value"
  | "unwritten-value"
  | "impossible-order"
  | "unsettled"
  | "settled-late"
  | "malformed-error"
  | "misplaced-answer";

export interface Anomaly {
  readonly kind: AnomalyKind;
  /** Absent if the call as a whole went wrong. */
  readonly key?: string;
  readonly text: string;
}
