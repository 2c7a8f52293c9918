import assert from "node:assert/strict";
import { BatchError, type Bucket, type Entry, type Outcome } from "@manykv/core";
import { rejectionOf } from "./rejections.js";
import { nameOf } from "./round-trip.js";

/** A write, as it can be judged afterwards: what was there before, and what it was to do. */
export interface JudgedWrite {
  /** Values before the write; a key that is not in it was missing. */
  readonly before: ReadonlyMap<string, Uint8Array>;
  /** What the write sets, or deletes where the value is `undefined`. */
  readonly entries: readonly (readonly [key: string, value: Uint8Array | undefined])[];
}

/** Runs a write and gives the outcome of each entry: all `applied` where it resolves. */
export async function outcomesOfWrite(write: Promise<void>, size: number): Promise<Outcome[]> {
  const error = await write.then(
    () => undefined,
    (reason: unknown) => rejectionOf(Promise.reject(reason), "the write"),
  );
  if (error === undefined) return new Array<Outcome>(size).fill("applied");
  assert.ok(BatchError.is(error), `a write rejects with a BatchError, not with a ${error.name}`);
  const { counts } = error;
  assert.equal(counts.applied + counts["not-applied"] + counts.unknown, size, "the counts add up");
  assert.ok(counts.applied < size, "a write whose every key was applied resolves");
  return Array.from({ length: size }, (_, index) => error.outcomeOf(index));
}

/**
 * Compares each outcome with what is there, through a client that the fault does not touch: `applied` is there,
 * `not-applied` is not, and whatever is there was there before or is what was written.
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
      `${nameOf(key)} was reported ${outcome}, and is ${there}: ${allowed.join(" or ")}`,
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

/** The entries of a `JudgedWrite` as `setMany` takes them. */
export function settable(entries: JudgedWrite["entries"]): Entry[] {
  return entries.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));
}
