import type { Fault } from "../driver.js";
import { explain, StoreError } from "../errors.js";
import type { Batch } from "../input/batch.js";
import { type CanonicalIndexes, Chunk } from "../input/chunk.js";
import { type Answers, afterInterruption, attempt, backoff, faultsByIndex } from "./attempt.js";
import type { Call } from "./call.js";
import { forEachChunk } from "./for-each-chunk.js";

export type ReadKind = "get" | "exists";
export type ValueOf<Kind extends ReadKind> = Answers[Kind]["values"][number];

/** Returns one value per key. Throws a {@link StoreError} if any key cannot be read (S10 in `docs/semantics.md`). */
export async function read<Kind extends ReadKind>(
  call: Call,
  kind: Kind,
  batch: Batch,
  canonical: CanonicalIndexes,
): Promise<ValueOf<Kind>[]> {
  const { retry } = call.core.options;
  const values = new Array<Answers[ReadKind]["values"][number]>(batch.keys.length);
  let failedIndex: number | undefined;

  await forEachChunk(call, batch, canonical, (chunk) => readChunk(chunk));
  if (call.fault !== undefined) {
    throw failure(call, call.fault, batch.keys.length === 1 ? "" : `entry ${failedIndex} failed: `);
  }
  canonical?.forEach((from, index) => {
    // Each duplicate gets a copy of the value, because the caller may modify any of them.
    const value = values[from];
    values[index] = from !== index && typeof value === "object" ? new Uint8Array(value) : value;
  });
  return values;

  /**
   * Sends a chunk and stores its values. Repeats retryable keys until all keys are read or the call fails. If the
   * connection is lost, repeats the keys as two chunks, because the response may exceed a limit of the server.
   */
  async function readChunk(whole: Chunk, start = 1, cause?: Fault): Promise<void> {
    let chunk = whole;
    let last = cause;
    let withoutProgress = 0;
    for (let number = start; ; number++) {
      const result = await attempt(call, kind, chunk, number, last);
      if (result.stop !== undefined) return fail(chunk.indexes[0], result.stop);
      const faults = faultsByIndex(chunk.keys.length, result, last, result.answer?.values?.length ?? 0);
      const repeat: number[] = [];
      for (let index = 0; index < chunk.keys.length; index++) {
        const fault = faults?.[index];
        const inputIndex = chunk.indexes[index] as number;
        if (fault === undefined) values[inputIndex] = result.answer?.values[index] as ValueOf<Kind>;
        else if (fault.retryable) repeat.push(index);
        else return fail(inputIndex, fault);
      }
      const [first] = repeat;
      if (first === undefined) return;

      last = faults?.[first] as Fault;
      withoutProgress = repeat.length < chunk.keys.length ? 0 : withoutProgress + 1;
      if (withoutProgress >= retry.attempts) return fail(chunk.indexes[first], last);
      chunk = chunk.pick(repeat);
      await backoff(call, withoutProgress, last);
      if (last.code !== "connection-lost" || withoutProgress === 0 || repeat.length === 1) continue;
      for (const half of chunk.halves()) if (call.fault === undefined) await readChunk(half, number + 1, last);
      return;
    }
  }

  /** Makes the call fail because of one key and interrupts its other requests. An earlier failure takes precedence. */
  function fail(inputIndex: number | undefined, fault: Fault): void {
    if (call.fault === undefined) failedIndex = inputIndex;
    call.cancel(fault);
  }
}

/** Sends a request without keys. Repeats it after retryable faults: at most `retry.attempts` attempts in total. */
export async function control<Kind extends "list" | "provision" | "describe">(
  call: Call,
  kind: Kind,
  cursor?: string,
): Promise<Answers[Kind]> {
  const noKeys = new Chunk([], []);
  let fault: Fault | undefined;
  for (let number = 1; ; number++) {
    const result = await attempt(call, kind, noKeys, number, fault, cursor);
    if (result.stop !== undefined) throw failure(call, result.stop);
    if (result.fault === undefined) return result.answer as Answers[Kind];
    fault = afterInterruption(result.fault, result, fault);
    if (!fault.retryable || number >= call.core.options.retry.attempts) throw failure(call, fault);
    await backoff(call, number, fault);
  }
}

function failure(call: Call, fault: Fault, entry = ""): StoreError {
  const { code, retryable, reason } = fault;
  return new StoreError(code, `${call.description}: ${entry}${explain(fault)}`, { retryable, reason });
}
