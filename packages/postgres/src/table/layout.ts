/** SQL for whether the relation `found` has the columns and the index that manykv needs. */
export const isSuitable: string = `(EXISTS (
    SELECT 1 FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
    WHERE indrelid = found AND indisunique AND indisvalid AND indpred IS NULL AND indnkeyatts = 1
      AND attname = 'key' AND atttypid = 'bytea'::regtype
  ) AND EXISTS (
    SELECT 1 FROM pg_attribute
    WHERE attrelid = found AND attname = 'value' AND atttypid = 'bytea'::regtype AND attnotnull
  ) AND NOT EXISTS (
    SELECT 1 FROM pg_attribute
    WHERE attrelid = found AND attname IN ('expires_at', 'sweep_at') AND atttypid <> 'timestamptz'::regtype
  ) AND 1 <> (
    SELECT count(*) FROM pg_attribute WHERE attrelid = found AND attname IN ('expires_at', 'sweep_at')
  ))`;

/** What {@link isSuitable} tests, for messages. */
export const neededLayout: string =
  "the table needs the columns `key bytea` and `value bytea NOT NULL`, and a unique index on `key` alone; " +
  "`expires_at` and `sweep_at` must both be `timestamptz`, or both be missing";
