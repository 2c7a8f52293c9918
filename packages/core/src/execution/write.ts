import { BatchError, countOutcomes } from "../batch-error.js";
import type { WriteAnswer } from "../driver.js";
import type { Batch } from "../input/batch.js";
import { describe, explain, summarize } from "../messages.js";
import type { Call } from "./call.js";
import type { Engine } from "./engine.js";
import { Outcomes } from "./outcomes.js";
import type { Request } from "./request.js";
import { runBatch } from "./run-batch.js";

/** Sets or deletes a batch. Resolves when every key was acknowledged; else rejects with a {@link BatchError}. */
export async function write(engine: Engine, call: Call, kind: "set" | "delete", batch: Batch): Promise<void> {
  const ledger = new Outcomes(call, batch.keys.length, batch.representatives);
  const send = (request: Request): Promise<WriteAnswer> => {
    request.prepare(engine.driver);
    return engine.driver[kind](request);
  };
  await runBatch(engine, call, { request: kind, allOrNothing: false, ledger, send }, batch);
  const first = ledger.firstFailure();
  if (first < 0) return;
  const fault = ledger.faultOf(first);
  const text = `${summarize(countOutcomes(ledger))}; the first is entry ${first}: ${explain(fault)}`;
  throw new BatchError(fault.code, `${describe(engine, call)}: ${text}`, ledger, {
    retryable: ledger.retryable,
  });
}
