import type { Fault } from "../driver.js";
import { readBatch } from "../input/batch.js";
import { Chunk } from "../input/chunk.js";
import { type Answers, attempt, backoff } from "./attempt.js";
import type { Call } from "./call.js";
import { Outcomes } from "./outcomes.js";
import type { RequestDetails } from "./request.js";
import { runFences } from "./write.js";

/**
 * Increments or swaps one key. Throws a `BatchError` of one entry unless the backend returns a result.
 *
 * Repeats a request that had no effect. Does not repeat an increment that may have been applied (S20 in
 * `docs/semantics.md`). Repeats a swap that may have been applied only after its fence succeeded (S21). If the repetition
 * swaps, the call resolves. Otherwise, the lost request may have swapped, so the outcome is unknown.
 */
export async function update<Kind extends "increment" | "compareAndSwap">(
  call: Call,
  kind: Kind,
  key: string,
  details: RequestDetails,
): Promise<Answers[Kind]["values"][number]> {
  const batch = readBatch(call, "get", [key]);
  const outcomes = new Outcomes(call, batch);
  call.details = details;
  const chunk = new Chunk(batch.keys, [0]);
  let last: Fault | undefined;
  for (let number = 1; ; number++) {
    const { stop, fault, answer } = await attempt(call, kind, chunk, number, last);
    if (stop !== undefined && stop !== last) outcomes.record(0, stop);
    if (stop !== undefined) break;
    if (fault === undefined) {
      const [result] = (answer as Answers[Kind]).values;
      const isDecided = outcomes.outcomeOf(0) !== "unknown" || (typeof result === "object" && result.swapped);
      if (isDecided) return result as Answers[Kind]["values"][number];
      break;
    }
    last = fault;
    outcomes.record(0, fault);
    const isSettled = (await runFences(call, [fault])).has(fault.fence);
    if (fault.effect === "unknown" && !isSettled) outcomes.recordUnsettled(0);
    const mayRepeat = fault.effect === "none" || (kind === "compareAndSwap" && isSettled);
    if (!fault.retryable || !mayRepeat || number >= call.core.options.retry.attempts) break;
    await backoff(call, number, fault);
  }
  throw outcomes.error();
}
