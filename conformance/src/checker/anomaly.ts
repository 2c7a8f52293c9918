/**
 * The kinds of anomalies that a history can reveal.
 *
 * | kind | meaning |
 * | --- | --- |
 * | `lost-write` | a call resolved, but its write did not take effect |
 * | `false-applied` | a call rejected and reported a key as `applied`, but the write did not take effect |
 * | `false-not-applied` | a call reported a key as `not-applied`, but the write took effect |
 * | `stale-overwrite` | an older write overwrote a newer write that was already acknowledged |
 * | `stale-read` | a read that began after a write was acknowledged returned an older value |
 * | `false-missing` | a read reported a key as missing although the key had a value during the whole read |
 * | `torn-value` | a read returned a damaged value or a mixture of several values |
 * | `unwritten-value` | a read returned a value that no client had written under this key |
 * | `false-condition` | a conditional write reported success although the key never had the expected state during the call, or a failure although the key had it |
 * | `wrong-expiry` | a read found a key after its time to live had ended, or missed a key before it had ended |
 * | `impossible-order` | each result is possible by itself, but no order of the writes explains all results |
 * | `unsettled` | a write call never settled |
 * | `settled-late` | a call settled later than its deadline plus the tolerance of the recorded client |
 * | `malformed-error` | a call rejected with an error of the wrong class, or with inconsistent outcomes or counts |
 * | `misplaced-answer` | a read returned the wrong keys or the wrong number of entries |
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
  | "false-condition"
  | "wrong-expiry"
  | "impossible-order"
  | "unsettled"
  | "settled-late"
  | "malformed-error"
  | "misplaced-answer";

/** A wrong result or report that a history reveals. */
export interface Anomaly {
  /** The kind of the anomaly. */
  readonly kind: AnomalyKind;
  /** The key, in the form `bucket/key`. Absent if the anomaly concerns a whole call. */
  readonly key?: string;
  /** Description of the anomaly, for a failure message. */
  readonly text: string;
}
