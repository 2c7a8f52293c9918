import assert from "node:assert/strict";
import { BatchError, type Outcome, StoreError, type StoreErrorCode } from "@manykv/core";

/** Returns the `StoreError` that a call rejects with. Fails if the call resolves or the code differs. */
export async function rejectsWith(
  call: Promise<unknown>,
  code: StoreErrorCode,
  what = "the call",
): Promise<StoreError> {
  const error = await rejectionOf(call, what);
  assert.equal(error.code, code, `${what} rejects with code ${error.code} (${error.message}), not ${code}`);
  return error;
}

/** Returns the `StoreError` that a call rejects with. */
export async function rejectionOf(call: Promise<unknown>, what = "the call"): Promise<StoreError> {
  const outcome = await call.then(
    () => ({ resolved: true as const }),
    (error: unknown) => ({ resolved: false as const, error }),
  );
  assert.ok(!outcome.resolved, `${what} must reject, but resolves`);
  assert.ok(
    StoreError.is(outcome.error),
    `${what} must reject with a StoreError, but rejects with ${String(outcome.error)}`,
  );
  return outcome.error;
}

/** Returns the `BatchError` that a write rejects with. */
export async function batchErrorOf(
  call: Promise<unknown>,
  code?: StoreErrorCode,
  what = "the write",
): Promise<BatchError> {
  const error = code === undefined ? await rejectionOf(call, what) : await rejectsWith(call, code, what);
  assert.ok(BatchError.is(error), `${what} rejects with a ${error.name}, not with a BatchError`);
  return error;
}

/** Returns the outcomes of `size` entries. */
export function outcomesOf(error: BatchError, size: number): Outcome[] {
  const total = error.counts.applied + error.counts["not-applied"] + error.counts.unknown;
  assert.equal(total, size, `the counts of the BatchError add up to ${total}, not to ${size}`);
  return Array.from({ length: size }, (_, index) => error.outcomeOf(index));
}

/** Asserts the outcome of each entry. */
export function assertOutcomes(error: BatchError, expected: readonly Outcome[]): void {
  assert.deepEqual(outcomesOf(error, expected.length), expected);
}

/** Asserts that nothing was applied: `size` entries, each `not-applied`. */
export function assertNothingApplied(error: BatchError, size: number): void {
  assertOutcomes(error, new Array<Outcome>(size).fill("not-applied"));
}
