import assert from "node:assert/strict";
import { BatchError, type Outcome, StoreError, type StoreErrorCode } from "@manykv/core";

/**
 * Returns the `StoreError` that a call rejects with. Fails if the call resolves or rejects with another error or code.
 */
export async function rejectsWith(
  call: Promise<unknown>,
  code: StoreErrorCode,
  what = "the call",
): Promise<StoreError> {
  const error = await rejectionOf(call, what);
  assert.equal(
    error.code,
    code,
    `${what} must reject with code ${code}, but rejects with ${error.code} (${error.message})`,
  );
  return error;
}

/** Returns the `StoreError` that a call rejects with. Fails if the call resolves or rejects with another error. */
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

/**
 * Returns the `BatchError` that a write rejects with. Fails if the write resolves or rejects with another error or
 * code.
 */
export async function batchErrorOf(
  call: Promise<unknown>,
  code?: StoreErrorCode,
  what = "the write",
): Promise<BatchError> {
  const error = code === undefined ? await rejectionOf(call, what) : await rejectsWith(call, code, what);
  assert.ok(BatchError.is(error), `${what} must reject with a BatchError, but rejects with a ${error.name}`);
  return error;
}

/**
 * Returns the outcome of each entry of a write with `size` entries. Fails if the counts of the error do not add up to
 * `size`.
 */
export function outcomesOf(error: BatchError, size: number): Outcome[] {
  const total = error.counts.applied + error.counts["not-applied"] + error.counts.unknown;
  assert.equal(total, size, `the counts of the BatchError must add up to ${size}, but add up to ${total}`);
  return Array.from({ length: size }, (_, index) => error.outcomeOf(index));
}

/** Asserts that the outcomes of a failed write are `expected`. */
export function assertOutcomes(error: BatchError, expected: readonly Outcome[]): void {
  assert.deepEqual(outcomesOf(error, expected.length), expected);
}

/** Asserts that the outcome of each of the `size` entries is `not-applied`. */
export function assertNothingApplied(error: BatchError, size: number): void {
  assertOutcomes(error, new Array<Outcome>(size).fill("not-applied"));
}
