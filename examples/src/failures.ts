import { BatchError, type Bucket, type Entry } from "@manykv/core";

/** Writes entries. Returns the entries to write again: those whose outcome is not `applied`. */
export async function writeOrReturn(bucket: Bucket, entries: Entry[]): Promise<Entry[]> {
  // #region catch
  try {
    await bucket.setMany(entries);
  } catch (error) {
    if (!BatchError.is(error)) throw error;
    console.log(error.code, error.counts); // "throttled" { applied: 26, "not-applied": 74, unknown: 0 }
    for (const { index, outcome, code, reason } of error.failures()) console.log(index, outcome, code, reason);
    return entries.filter((_, index) => error.outcomeOf(index) !== "applied"); // setting the same value twice is safe
  }
  // #endregion catch
  return [];
}
