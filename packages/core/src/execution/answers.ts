import type { Fault, ReadAnswer } from "../driver.js";
import type { Ledger } from "./ledger.js";
import { placeOf, type Work } from "./work.js";

/** What was read, by place, and the first key that could not be. */
export class Answers<Value> implements Ledger<ReadAnswer<Value>> {
  readonly values: Value[];
  readonly #failures: Map<number, Fault> = new Map();

  constructor(size: number) {
    this.values = new Array<Value>(size);
  }

  settleAll(work: Work, answer: ReadAnswer<Value>): void {
    for (let index = 0; index < work.keys.length; index++) this.settle(placeOf(work, index), index, answer);
  }

  settle(place: number, index: number, answer: ReadAnswer<Value>): void {
    this.values[place] = answer.values[index] as Value;
    if (this.#failures.size > 0) this.#failures.delete(place);
  }

  fail(place: number, fault: Fault): void {
    this.#failures.set(place, fault);
  }

  /** The first place that failed for `cause`; other places may have failed only because the call was over by then. */
  firstFailure(cause: Fault | undefined): { readonly place: number; readonly fault: Fault } | undefined {
    let first: { place: number; fault: Fault } | undefined;
    for (const [place, fault] of this.#failures) {
      const relevant = cause === undefined || fault === cause;
      if (relevant && (first === undefined || place < first.place)) first = { place, fault };
    }
    return first;
  }
}
