import { BatchError, type Bucket, type KeyValue } from "@manykv/core";

/** Writes what it can, and gives what has to be written again. */
export async function writeOrReturn(bucket: Bucket, entries: KeyValue[]): Promise<KeyValue[]> {
  // #region catch
  try {
    await bucket.setMany(entries);
  } catch (error) {
    if (!BatchError.is(error)) throw error;
    console.log(error.code, error.counts); // "access-denied" { applied: 26, "not-applied": 74, unknown: 0 }
    for (const { index, outcome, code } of error.failures()) console.log(index, outcome, code);
    return entries.filter((_, index) => error.outcomeOf(index) !== "applied"); // writing again does no harm
  }
  // #endregion catch
  return [];
}
