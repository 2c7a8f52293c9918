import type { Fault } from "../driver.js";
import type { Batch } from "../input/batch.js";
import { type Chunk, ChunkQueue } from "../input/chunk.js";
import type { CanonicalIndexes } from "../input/duplicates.js";
import { attempt, attemptTime, backoff, faultsByIndex, stopFault } from "./attempt.js";
import type { Call } from "./call.js";
import { runFences } from "./fence.js";
import { Outcomes } from "./outcomes.js";

export type WriteKind = "set" | "delete";

/** Sets or deletes a batch and returns the outcome of every entry. */
export async function write(
  call: Call,
  kind: WriteKind,
  batch: Batch,
  canonical: CanonicalIndexes,
): Promise<Outcomes> {
  const queue = new ChunkQueue(batch, canonical);
  const outcomes = new Outcomes(call, batch.keys.length, canonical);
  const lanes = Math.min(call.core.options.concurrency, queue.size);
  if (queue.size === 1) await writeLane(call, kind, queue, outcomes);
  else {
    const running = Array.from({ length: lanes }, () => writeLane(call, kind, queue, outcomes));
    // The caller's own values may change as soon as the call returns.
    if (Array.isArray(batch.values)) queue.prepareRest(call.core.driver, call.bucket);
    await Promise.all(running);
  }
  return outcomes;
}

/** Writes one chunk after the other. */
async function writeLane(call: Call, kind: WriteKind, queue: ChunkQueue, outcomes: Outcomes): Promise<void> {
  while (call.fault === undefined) {
    const chunk = queue.next();
    if (chunk === undefined) return;
    await writeChunk(call, kind, chunk, outcomes);
  }
}

/**
 * Sends a chunk, records the outcomes, settles what was lost and repeats the keys that may succeed, until all are settled
 * or the call is over. Stops the call if the backend failed the chunk as a whole.
 */
async function writeChunk(call: Call, kind: WriteKind, whole: Chunk, outcomes: Outcomes): Promise<void> {
  let chunk = whole;
  let last: Fault | undefined;
  let withoutProgress = 0;
  for (let number = 1; ; number++) {
    const time = attemptTime(call);
    const stop = stopFault(call, time, last);
    if (stop !== undefined) {
      if (stop !== last) for (const index of chunk.indexes) outcomes.record(index, stop);
      return call.stop(stop);
    }

    const result = await attempt(call, kind, chunk, number, time);
    const faults = faultsByIndex(chunk.keys.length, result, last);
    const repeat: number[] = [];
    let undone = 0;
    last = undefined;
    for (let index = 0; index < chunk.keys.length; index++) {
      const fault = faults?.[index];
      outcomes.record(chunk.indexes[index] as number, fault);
      if (fault === undefined) continue;
      undone++;
      if (!fault.retryable) continue;
      repeat.push(index);
      last ??= fault;
    }
    if (undone === 0) return;

    await runFences(call, faults ?? []);
    // A fault of the whole request concerns the other chunks too. Faults of single keys do not.
    const wholeFault = result.fault === undefined ? undefined : faults?.[0];
    withoutProgress = undone < chunk.keys.length ? 0 : withoutProgress + 1;
    if (repeat.length === 0 || withoutProgress >= call.core.options.retry.attempts) {
      return wholeFault && call.stop(wholeFault);
    }
    chunk = chunk.pick(repeat);
    await backoff(call, withoutProgress);
  }
}
