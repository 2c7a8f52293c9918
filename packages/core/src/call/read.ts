import type { Fault } from "../driver.js";
import { readBatch } from "../input/batch.js";
import type { Chunk } from "../input/chunk.js";
import { type Answers, attempt, backoff, type ReadKind } from "./attempt.js";
import type { Call } from "./call.js";
import { forEachChunk } from "./for-each-chunk.js";
import type { RequestDetails } from "./request.js";

export type ValueOf<Kind extends ReadKind> = Answers[Kind]["values"][number];

/**
 * Reads the keys of `input` and sends them in chunks. Returns the keys and one value per key. Throws a
 * {@link StoreError} if any key cannot be read (S10 in `docs/semantics.md`).
 */
export async function read<Kind extends ReadKind>(
  call: Call,
  kind: Kind,
  input: unknown,
): Promise<{ readonly keys: readonly string[]; readonly values: ValueOf<Kind>[] }> {
  const batch = readBatch(call, "get", input);
  const { keys } = batch;
  const { retry } = call.core.options;
  const values = new Array<ValueOf<Kind>>(keys.length);
  let failedIndex: number | undefined;

  await forEachChunk(call, batch, "first", (chunk) => readChunk(chunk));
  if (call.fault !== undefined)
    throw call.failure(call.fault, keys.length === 1 ? "" : `entry ${failedIndex} failed: `);
  batch.canonical?.forEach((from, index) => {
    // Each duplicate gets a copy of the value, because the caller may modify any of them.
    const value = values[from] as ValueOf<Kind>;
    values[index] = from !== index && ArrayBuffer.isView(value) ? (new Uint8Array(value) as typeof value) : value;
  });
  return { keys, values };

  /**
   * Sends a chunk and stores its values. Repeats retryable keys until all keys are read or the call fails. If the
   * connection is lost, repeats the keys as two chunks, because the response may exceed a limit of the server.
   */
  async function readChunk(whole: Chunk, start = 1, cause?: Fault): Promise<void> {
    let chunk = whole;
    let last = cause;
    let withoutProgress = 0;
    for (let number = start; ; number++) {
      const { stop, faults, answer } = await attempt(call, kind, chunk, number, last);
      const { indexes } = chunk;
      if (stop !== undefined) return fail(indexes[0], stop);
      const found = answer?.values;
      const repeat: number[] = [];
      for (let index = 0; index < indexes.length; index++) {
        const fault = faults?.[index];
        const inputIndex = indexes[index] as number;
        if (fault === undefined) values[inputIndex] = found?.[index] as ValueOf<Kind>;
        else if (fault.retryable) repeat.push(index);
        else return fail(inputIndex, fault);
      }
      const [first] = repeat;
      if (first === undefined) return;

      last = faults?.[first] as Fault;
      withoutProgress = repeat.length < indexes.length ? 0 : withoutProgress + 1;
      if (withoutProgress >= retry.attempts) return fail(indexes[first], last);
      await backoff(call, withoutProgress, last);
      chunk = chunk.pick(repeat);
      if (last.code !== "connection-lost" || withoutProgress === 0 || repeat.length === 1) continue;
      const middle = Math.ceil(repeat.length / 2);
      for (const half of [repeat.slice(0, middle), repeat.slice(middle)])
        if (call.fault === undefined) await readChunk(chunk.pick(half), number + 1, last);
      return;
    }
  }

  /** Makes the call fail because of one key and interrupts its other requests. An earlier failure takes precedence. */
  function fail(inputIndex: number | undefined, fault: Fault): void {
    if (call.fault === undefined) failedIndex = inputIndex;
    call.cancel(fault);
  }
}

/** Sends a request without keys. Core treats it as a read of one key, and the answer as the value of this key. */
export async function control<Kind extends "list" | "listBuckets" | "sweep" | "provision" | "describe">(
  call: Call,
  kind: Kind,
  details?: RequestDetails,
): Promise<ValueOf<Kind>> {
  call.details = details;
  const { values } = await read(call, kind, [""]);
  return values[0] as ValueOf<Kind>;
}
