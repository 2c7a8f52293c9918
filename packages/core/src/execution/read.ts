import type { ReadAnswer } from "../driver.js";
import type { Batch } from "../input/batch.js";
import { describe, explain } from "../messages.js";
import { StoreError } from "../store-error.js";
import { Answers } from "./answers.js";
import type { Call } from "./call.js";
import type { Engine } from "./engine.js";
import type { Request } from "./request.js";
import { runBatch } from "./run-batch.js";

/** Reads a batch into one place for each representative. Rejects when even one key could not be read (rule S10). */
export async function read<Value>(
  engine: Engine,
  call: Call,
  kind: string,
  batch: Batch,
  ask: (request: Request) => Promise<ReadAnswer<Value>>,
): Promise<Value[]> {
  const ledger = new Answers<Value>(batch.keys.length);
  const send = async (request: Request): Promise<ReadAnswer<Value>> => checked(await ask(request), request);
  await runBatch(engine, call, { request: kind, allOrNothing: true, ledger, send }, batch);
  const failure = ledger.firstFailure(call.cause);
  const fault = call.cause ?? failure?.fault;
  if (fault === undefined) return ledger.values;
  const place = failure === undefined || batch.keys.length === 1 ? "" : `entry ${failure.place} failed: `;
  const text = `${place}${explain(fault)}`;
  throw new StoreError(fault.code, `${describe(engine, call)}: ${text}`, { retryable: fault.retryable });
}

/** An answer with a place too few would be read as a missing key. */
function checked<Value>(answer: ReadAnswer<Value>, request: Request): ReadAnswer<Value> {
  if (answer.values.length === request.keys.length) return answer;
  throw new Error(`the driver answered ${answer.values.length} places for ${request.keys.length} keys`);
}
