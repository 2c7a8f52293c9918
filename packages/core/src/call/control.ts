import type { Fault } from "../driver.js";
import { explain, StoreError } from "../errors.js";
import { Chunk } from "../input/chunk.js";
import { type Answers, afterInterruption, attempt, attemptTime, backoff, stopFault } from "./attempt.js";
import type { Call } from "./call.js";

const noKeys: Chunk = new Chunk([], []);

/** Sends a request that is not about certain keys, and repeats it while that may succeed. */
export async function control<Kind extends "list" | "provision">(
  call: Call,
  kind: Kind,
  cursor?: string,
): Promise<Answers[Kind]> {
  let last: Fault | undefined;
  for (let number = 1; ; number++) {
    const time = attemptTime(call);
    const stop = stopFault(call, time, last);
    if (stop !== undefined) throw controlError(call, stop);
    const result = await attempt(call, kind, noKeys, number, time, cursor);
    if (result.fault === undefined) return result.answer as Answers[Kind];
    last = afterInterruption(result.fault, result, last);
    if (!last.retryable || number >= call.core.options.retry.attempts) throw controlError(call, last);
    await backoff(call, number);
  }
}

function controlError(call: Call, fault: Fault): StoreError {
  const { code, retryable, reason } = fault;
  return new StoreError(code, `${call.description}: ${explain(fault)}`, { retryable, reason });
}
