import type { Incomplete } from "../driver.js";
import type { Batch } from "../input/batch.js";
import type { Call } from "./call.js";
import type { Engine } from "./engine.js";
import { type Operation, runWork } from "./run-work.js";
import { workOfCut } from "./work.js";

/**
 * Runs a batch, request by request, a bounded number of them together. A request is built when it is sent, so memory
 * stays bounded by those in flight. A request that fails for want of an engine stops the batch: `call.cause` then tells why.
 */
export async function runBatch<Answer extends Incomplete>(
  engine: Engine,
  call: Call,
  operation: Operation<Answer>,
  batch: Batch,
): Promise<void> {
  const { length } = batch.cuts;
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < length && call.cause === undefined) {
      const work = workOfCut(batch, next++);
      if (work.keys.length === 0) continue;
      const fault = await runWork(engine, call, operation, work);
      if (fault === undefined) continue;
      if (operation.allOrNothing) call.cancel(fault);
      else call.stop(fault);
    }
  };
  const running =
    length <= 1 ? lane() : Promise.all(Array.from({ length: Math.min(engine.concurrency, length) }, lane));
  batch.values?.release?.();
  await running;
}
