import assert from "node:assert/strict";
import { BatchError, type Bucket, type Entry, type Outcome } from "@manykv/core";
import { rejectionOf } from "./rejections.js";
import { nameOf } from "./round-trip.js";

/** A write with what is needed to judge its outcomes. */
export interface JudgedWrite {
  /** Values before the write. Other keys were missing. */
  readonly before: ReadonlyMap<string, Uint8Array>;
  /** What the write sets. `undefined` deletes the key. */
  readonly entries: readonly (readonly [key: string, value: Uint8Array | undefined])[];
}

/** Returns the outcome of each entry of a write: all `applied` if it resolves. */
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
    "the counts add up to the number of entries",
  );
  assert.ok(counts.applied < size, "a write rejects although every key was applied");
  return Array.from({ length: size }, (_, index) => error.outcomeOf(index));
}

/**
 * Compares each outcome with what an unaffected client reads: `applied` must be stored, `not-applied` must not, and the
 * value must be either the old or the new one.
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
      `${nameOf(key)} was reported ${outcome}, but is ${there}, not ${allowed.join(" or ")}`,
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

/** Returns the entries of a `JudgedWrite` for `setMany`. */
export function settable(entries: JudgedWrite["entries"]): Entry[] {
  return entries.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));
}
