import assert from "node:assert/strict";
import { BatchError, type Bucket, type Entry, type Outcome } from "@manykv/core";
import { rejectionOf } from "./rejections.js";
import { nameOf } from "./round-trip.js";

/** A write, with the values that are needed to check its outcomes. */
export interface JudgedWrite {
  /** Values before the write. A key that is absent from this map was missing. */
  readonly before: ReadonlyMap<string, Uint8Array>;
  /** The entries of the write. An entry with `undefined` deletes its key. */
  readonly entries: readonly (readonly [key: string, value: Uint8Array | undefined])[];
}

/** Returns the outcome of each entry of a write. If the write resolves, every outcome is `applied`. */
export async function outcomesOfWrite(write: Promise<void>, size: number): Promise<Outcome[]> {
  const error = await write.then(
    () => undefined,
    (reason: unknown) => rejectionOf(Promise.reject(reason), "the write"),
  );
  if (error === undefined) return new Array<Outcome>(size).fill("applied");
  assert.ok(BatchError.is(error), `a write must reject with a BatchError, but rejects with a ${error.name}`);
  const { counts } = error;
  assert.equal(
    counts.applied + counts["not-applied"] + counts.unknown,
    size,
    "the counts of the BatchError must add up to the number of entries",
  );
  assert.ok(counts.applied < size, "a write must not reject if every key was applied");
  return Array.from({ length: size }, (_, index) => error.outcomeOf(index));
}

/**
 * Compares each outcome with the value that a client without faults reads. This value must be the new value after
 * `applied`, the old value after `not-applied`, and one of these two after `unknown`.
 */
export async function assertTrue(
  direct: Bucket,
  { before, entries }: JudgedWrite,
  outcomes: readonly Outcome[],
): Promise<void> {
  const answers = await direct.getMany(entries.map(([key]) => key));
  for (const [index, [key, after]] of entries.entries()) {
    const there = textOf(answers[index]?.[1]);
    const [old, written] = [textOf(before.get(key)), textOf(after)];
    const outcome = outcomes[index];
    const allowed = outcome === "applied" ? [written] : outcome === "not-applied" ? [old] : [old, written];
    assert.ok(
      allowed.includes(there),
      `${nameOf(key)} was reported as ${outcome}, but a read returned ${there}, not ${allowed.join(" or ")}`,
    );
  }
}

function textOf(value: Uint8Array | undefined): string {
  if (value === undefined) return "missing";
  const view = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return view.byteLength <= 40
    ? `"${view.toString("latin1")}"`
    : `${view.byteLength} bytes ${view.subarray(0, 40).toString("hex")}`;
}

/** Returns the entries of a `JudgedWrite` that set a value, as input for `setMany`. */
export function settable(entries: JudgedWrite["entries"]): Entry[] {
  return entries.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));
}
