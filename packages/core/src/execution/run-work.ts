import type { Fault, Incomplete } from "../driver.js";
import { account } from "./account.js";
import { type AttemptResult, attempt, attemptBudget } from "./attempt.js";
import type { Call } from "./call.js";
import type { Engine } from "./engine.js";
import { runFences } from "./fence.js";
import type { Ledger } from "./ledger.js";
import { Request } from "./request.js";
import { backoff } from "./retry-policy.js";
import { partOfWork, placeOf, type Work } from "./work.js";

/** How one kind of request is sent, and where its results go. */
export interface Operation<Answer extends Incomplete> {
  /** As it stands in tracing events: `set`. */
  readonly request: string;
  readonly ledger: Ledger<Answer>;
  /** For reads: one key that cannot be read fails the call, so nothing else needs to be read. */
  readonly allOrNothing: boolean;
  send(request: Request): Promise<Answer>;
}

/**
 * Does some work: sends it, enters the answer, repeats what may be repeated, until all is settled or the call is over.
 *
 * Gives a fault where further requests of the batch need not be tried: the engine refused this one as a whole, or the
 * call is over.
 */
export async function runWork<Answer extends Incomplete>(
  engine: Engine,
  call: Call,
  operation: Operation<Answer>,
  whole: Work,
): Promise<Fault | undefined> {
  let work = whole;
  let stalls = 0;
  let last: Fault | undefined;
  for (let number = 1; ; number++) {
    const budget = attemptBudget(call);
    if (call.cause !== undefined || call.cancelled || budget === 0) {
      const fault = stopFault(call, last);
      if (fault !== last) failAll(operation.ledger, work, fault);
      return fault;
    }
    const result = await send(engine, call, operation, work, { number, budget });
    const { repeat, faults } = account(operation.ledger, work, result, last);
    if (faults.length === 0) return undefined;
    // A lost read has nothing that could take effect.
    if (!operation.allOrNothing) await runFences(faults, call);
    const final = operation.allOrNothing && repeat.length < faults.length;
    if (final || repeat.length === 0) return final || result.fault ? finalFault(faults) : undefined;
    stalls = faults.length < work.keys.length ? 0 : stalls + 1;
    // Of the keys that are repeated: the others have faults of their own, which are no reason to stop these.
    last = faults.find((fault) => fault.retryable);
    work = partOfWork(work, repeat);
    // Keys that one by one get nowhere say nothing of the keys in other requests.
    if (stalls >= engine.retry.attempts) return operation.allOrNothing || result.fault ? last : undefined;
    await call.pause(backoff(engine.retry, stalls));
  }
}

function finalFault(faults: readonly Fault[]): Fault | undefined {
  return faults.find((fault) => !fault.retryable);
}

/** Why nothing more is sent. What the engine said last tells more than that the time is over. */
function stopFault(call: Call, last: Fault | undefined): Fault {
  if (call.cancelled) return { code: "aborted", retryable: false, effect: "none" };
  return last ?? call.cause ?? { code: "timeout", retryable: true, effect: "none" };
}

function failAll<Answer extends Incomplete>(ledger: Ledger<Answer>, work: Work, fault: Fault): void {
  for (let index = 0; index < work.keys.length; index++) ledger.fail(placeOf(work, index), fault);
}

async function send<Answer extends Incomplete>(
  engine: Engine,
  call: Call,
  operation: Operation<Answer>,
  work: Work,
  { number, budget }: { readonly number: number; readonly budget: number },
): Promise<AttemptResult<Answer>> {
  const start = performance.now();
  const request = new Request(call.bucket, start + budget, work);
  const result = await attempt(engine.driver, call, request, budget, (sent) => operation.send(sent));
  if (engine.attempts.hasSubscribers) {
    engine.attempts.publish({
      driver: engine.driver.name,
      request: operation.request,
      bucket: call.bucket,
      keys: work.keys.length,
      attempt: number,
      duration: performance.now() - start,
      ...undone(result, work),
    });
  }
  return result;
}

function undone(result: AttemptResult<Incomplete>, work: Work): { undone: number; code: string | undefined } {
  const { answer, fault } = result;
  if (answer === undefined) return { undone: work.keys.length, code: fault?.code };
  const left = answer.unprocessed?.length ?? 0;
  const code = answer.faults?.[0]?.code ?? (left > 0 ? "throttled" : undefined);
  return { undone: left + (answer.faults?.length ?? 0), code };
}
