import type { Fault, Incomplete } from "../driver.js";
import type { Work } from "./work.js";

/** Where the runner enters what became of each key. */
export interface Ledger<Answer extends Incomplete> {
  /** The engine did all of the work. */
  settleAll(work: Work, answer: Answer): void;
  /** The engine did the key at `index` of the request, which stands at `place` of the input. */
  settle(place: number, index: number, answer: Answer): void;
  /** The engine did not do the key, as far as this attempt goes. */
  fail(place: number, fault: Fault): void;
}
