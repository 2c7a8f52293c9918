import type { Outcome, OutcomeTable } from "../batch-error.js";
import type { Fault, WriteAnswer } from "../driver.js";
import type { StoreErrorCode } from "../store-error.js";
import type { Call } from "./call.js";
import type { Ledger } from "./ledger.js";
import { placeOf, type Work } from "./work.js";

const applied = 1;
const unknown = 2;
const names: readonly Outcome[] = ["not-applied", "applied", "unknown"];

/**
 * The outcome of every entry of a write. Only these steps exist, so no order of events can make it lie:
 * an acknowledgement is final, and `unknown` is left only by an acknowledgement.
 */
export class Outcomes implements Ledger<WriteAnswer>, OutcomeTable {
  readonly size: number;
  readonly #states: Uint8Array;
  readonly #faults: Map<number, Fault> = new Map();
  readonly #representatives: Int32Array | undefined;
  readonly #call: Call;

  constructor(call: Call, size: number, representatives: Int32Array | undefined) {
    this.#call = call;
    this.size = size;
    this.#states = new Uint8Array(size);
    this.#representatives = representatives;
  }

  settleAll(work: Work): void {
    if (work.places === undefined && this.#faults.size === 0) {
      this.#states.fill(applied, work.from, work.from + work.keys.length);
      return;
    }
    for (let index = 0; index < work.keys.length; index++) this.settle(placeOf(work, index));
  }

  settle(place: number): void {
    this.#states[place] = applied;
    this.#faults.delete(place);
  }

  fail(place: number, fault: Fault): void {
    if (this.#states[place] === applied) return;
    if (fault.effect === "unknown") this.#states[place] = unknown;
    this.#faults.set(place, fault);
  }

  outcomeOf(index: number): Outcome {
    return names[this.#states[this.#placeOf(index)] as number] as Outcome;
  }

  codeOf(index: number): StoreErrorCode {
    return this.faultOf(index).code;
  }

  faultOf(index: number): Fault {
    return this.#faults.get(this.#placeOf(index)) ?? this.#call.cause ?? neverSent;
  }

  /** Index of the first entry that was not applied or may not have been, or -1. */
  firstFailure(): number {
    for (let index = 0; index < this.size; index++) {
      if (this.#states[this.#placeOf(index)] !== applied) return index;
    }
    return -1;
  }

  /** Whether all that was left undone may succeed when it is repeated. */
  get retryable(): boolean {
    for (let index = 0; index < this.size; index++) {
      if (this.#states[this.#placeOf(index)] !== applied && !this.faultOf(index).retryable) return false;
    }
    return true;
  }

  #placeOf(index: number): number {
    return this.#representatives?.[index] ?? index;
  }
}

/** An entry without a fault of its own was not sent, for the reason that the call has. */
const neverSent: Fault = { code: "internal", retryable: false, effect: "none" };

/** The outcomes of entries that all ended the same way, such as those of a batch that was refused unsent. */
export function uniformOutcomes(size: number, outcome: Outcome, code: StoreErrorCode): OutcomeTable {
  return { size, outcomeOf: () => outcome, codeOf: () => code };
}
