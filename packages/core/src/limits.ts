/** What one key and one value may measure. Larger ones are refused with code `too-large` before anything is sent. */
export interface Limits {
  /** Longest key, in UTF-8 bytes. */
  readonly maxKeyBytes: number;
  /** Longest value, in bytes. */
  readonly maxValueBytes: number;
}

/**
 * The limits that every backend holds: keys of 1,024 bytes, values of 400,000 bytes. Pass them as the `limits`
 * option of any store, and a program that works on one backend works on all.
 *
 * The value's limit comes from DynamoDB, whose items end at 400 KB with their key and attribute names:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-items
 */
export const portableLimits: Limits = Object.freeze({ maxKeyBytes: 1024, maxValueBytes: 400_000 });

/** The longest key of any backend, in UTF-8 bytes (rule S1). */
export const maxKeyBytes = 1024;
