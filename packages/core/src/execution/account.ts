import type { Fault, Incomplete } from "../driver.js";
import type { AttemptResult } from "./attempt.js";
import type { Interruption } from "./call.js";
import type { Ledger } from "./ledger.js";
import { placeOf, type Work } from "./work.js";

/** What an attempt left to do. */
export interface Accounted {
  /** Indexes of the keys that may be repeated. */
  readonly repeat: readonly number[];
  /** All faults of the attempt. */
  readonly faults: readonly Fault[];
}

const nothingLeft: Accounted = { repeat: [], faults: [] };
const unprocessed: Fault = { code: "throttled", retryable: true, effect: "none" };

/** Enters an attempt's end into the ledger. `last` is a fault of the attempt before. */
export function account<Answer extends Incomplete>(
  ledger: Ledger<Answer>,
  work: Work,
  result: AttemptResult<Answer>,
  last: Fault | undefined,
): Accounted {
  const { answer } = result;
  if (answer !== undefined && isComplete(answer)) {
    ledger.settleAll(work, answer);
    return nothingLeft;
  }
  const faults = faultsByIndex(work, result, last);
  const repeat: number[] = [];
  for (let index = 0; index < work.keys.length; index++) {
    const fault = faults[index];
    if (fault === undefined) ledger.settle(placeOf(work, index), index, answer as Answer);
    else {
      ledger.fail(placeOf(work, index), fault);
      if (fault.retryable) repeat.push(index);
    }
  }
  return { repeat, faults: faults.filter((fault) => fault !== undefined) };
}

function isComplete(answer: Incomplete): boolean {
  return !answer.faults?.length && !answer.unprocessed?.length;
}

function faultsByIndex(
  work: Work,
  { answer, fault, interruption }: AttemptResult<Incomplete>,
  last: Fault | undefined,
): (Fault | undefined)[] {
  const size = work.keys.length;
  const told = (each: Fault): Fault => interrupted(each, interruption, last);
  if (answer === undefined) return new Array(size).fill(told(fault as Fault));
  const faults = new Array<Fault | undefined>(size).fill(undefined);
  for (const index of answer.unprocessed ?? []) faults[index] = told(unprocessed);
  for (const each of answer.faults ?? []) faults[each.index] = told(each);
  return faults;
}

/** What failed because the attempt was cut short has that reason, not what the driver made of it. */
function interrupted(fault: Fault, interruption: Interruption | undefined, last: Fault | undefined): Fault {
  if (interruption === undefined || (!fault.retryable && fault.effect === "none")) return fault;
  // Where nothing came of this attempt, what the engine said before tells more than that the time is over.
  if (interruption === "timeout" && fault.effect === "none" && last?.effect === "none") return last;
  return { ...fault, code: interruption, retryable: interruption === "timeout" };
}
