import type { Fault } from "../driver.js";
import { explain, StoreError } from "../errors.js";
import type { Batch } from "../input/batch.js";
import { type Chunk, ChunkQueue } from "../input/chunk.js";
import type { CanonicalIndexes } from "../input/duplicates.js";
import { type Answers, attempt, attemptTime, backoff, faultsByIndex, stopFault } from "./attempt.js";
import type { Call } from "./call.js";

export type ReadKind = "get" | "exists";
export type ValueOf<Kind extends ReadKind> = Answers[Kind]["values"][number];

/**
 * Reads a batch and returns one value per canonical index. Reading stops at the first key that cannot be read
 * (rule S10).
 *
 * @throws {StoreError} naming that key.
 */
export async function read<Kind extends ReadKind>(
  call: Call,
  kind: Kind,
  batch: Batch,
  canonical: CanonicalIndexes,
): Promise<readonly ValueOf<Kind>[]> {
  const queue = new ChunkQueue(batch, canonical);
  const results = new ReadResults<ValueOf<Kind>>(batch.keys.length);
  const lanes = Math.min(call.core.options.concurrency, queue.size);
  if (lanes === 1) await readLane(call, kind, queue, results);
  else await Promise.all(Array.from({ length: lanes }, () => readLane(call, kind, queue, results)));
  if (results.failure === undefined) return results.values;
  const { index, fault } = results.failure;
  const entry = batch.keys.length === 1 ? "" : `entry ${index} failed: `;
  const { code, retryable, reason } = fault;
  const message = `${call.description}: ${entry}${explain(fault)}`;
  throw new StoreError(code, message, { retryable, reason });
}

/** Reads one chunk after the other. */
async function readLane<Kind extends ReadKind>(
  call: Call,
  kind: Kind,
  queue: ChunkQueue,
  results: ReadResults<ValueOf<Kind>>,
): Promise<void> {
  while (call.fault === undefined) {
    const chunk = queue.next();
    if (chunk === undefined) return;
    await readChunk(call, kind, chunk, results);
  }
}

/** Sends a chunk, records the answer and repeats the keys that may succeed, until all are settled or the call fails. */
async function readChunk<Kind extends ReadKind>(
  call: Call,
  kind: Kind,
  whole: Chunk,
  results: ReadResults<ValueOf<Kind>>,
): Promise<void> {
  let chunk = whole;
  let last: Fault | undefined;
  let withoutProgress = 0;
  for (let number = 1; ; number++) {
    const time = attemptTime(call);
    const stop = stopFault(call, time, last);
    if (stop !== undefined) return results.fail(call, chunk.indexes[0], stop);

    const result = await attempt(call, kind, chunk, number, time);
    const faults = faultsByIndex(chunk.keys.length, result, last);
    const repeat: number[] = [];
    for (let index = 0; index < chunk.keys.length; index++) {
      const fault = faults?.[index];
      const inputIndex = chunk.indexes[index] as number;
      if (fault === undefined) results.values[inputIndex] = result.answer?.values[index] as ValueOf<Kind>;
      else if (fault.retryable) repeat.push(index);
      else return results.fail(call, inputIndex, fault);
    }
    const [first] = repeat;
    if (first === undefined) return;
    last = faults?.[first] as Fault;
    withoutProgress = repeat.length < chunk.keys.length ? 0 : withoutProgress + 1;
    if (withoutProgress >= call.core.options.retry.attempts)
      return results.fail(call, chunk.indexes[first], last);
    chunk = chunk.pick(repeat);
    await backoff(call, withoutProgress);
  }
}

/** The values read so far, by input index, and the failure that ended the call. */
class ReadResults<Value> {
  readonly values: Value[];
  failure: { readonly index: number; readonly fault: Fault } | undefined;

  constructor(size: number) {
    this.values = new Array<Value>(size);
  }

  /** The call fails because of the key at `index`, unless another key made it fail before. */
  fail(call: Call, index: number | undefined, fault: Fault): void {
    if (call.fault === undefined) this.failure = { index: index ?? 0, fault };
    call.cancel(fault);
  }
}
