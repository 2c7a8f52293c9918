import type { Driver, Fault } from "../driver.js";
import { keyExists } from "../driver-kit.js";
import {
  BatchError,
  explain,
  type Outcome,
  type OutcomeCounts,
  type OutcomeTable,
  type StoreErrorCode,
} from "../errors.js";
import type { Batch } from "../input/batch.js";
import type { Call } from "./call.js";

/** The cause to report if neither the entry nor the call has a fault. */
const neverSent: Fault = { code: "internal", retryable: false, effect: "none" };

/** The fault of an entry that a server acknowledged before another one replaced it, which may lack the entry. */
const restarted: Fault = {
  code: "connection-lost",
  retryable: true,
  effect: "unknown",
  reason: "the server restarted during the call",
};

/**
 * The outcome of each entry of a write. Entries start as `not-applied`. Only an acknowledgement changes `unknown`, and
 * only a new generation of the driver changes `applied`, so outcomes do not depend on the order of the responses.
 */
export class Outcomes implements OutcomeTable {
  readonly size: number;
  readonly #call: Call;
  readonly #batch: Batch;
  /** The outcome of each entry. Duplicates use the outcome at their canonical index. */
  readonly #outcomes: Outcome[];
  #faults: Map<number, Fault> | undefined;
  /** Entries with a lost request that may still take effect, by index. */
  #unsettled: Set<number> | undefined;
  #generation: number | undefined;

  constructor(call: Call, batch: Batch) {
    this.#call = call;
    this.#batch = batch;
    this.size = batch.keys.length;
    this.#outcomes = new Array<Outcome>(this.size).fill("not-applied");
  }

  /** Records the fault of an entry. `undefined` means that the backend acknowledged the entry. */
  record(inputIndex: number, fault: Fault | undefined): void {
    if (fault === undefined) {
      this.#outcomes[inputIndex] = "applied";
      this.#faults?.delete(inputIndex);
    } else if (this.#outcomes[inputIndex] !== "applied") {
      // A lost attempt may have created the key that the repetition found (S18 in `docs/semantics.md`).
      if (this.#outcomes[inputIndex] === "unknown" && fault.code === "precondition-failed") return;
      if (fault.effect === "unknown") this.#outcomes[inputIndex] = "unknown";
      this.#faults ??= new Map();
      this.#faults.set(inputIndex, fault);
    }
  }

  /** Records for each duplicate that it was not sent, because an earlier entry of the batch has the same key. */
  separateDuplicates(): void {
    const { canonical } = this.#batch;
    this.#batch.canonical = undefined;
    canonical?.forEach((first, index) => {
      if (first !== index) this.record(index, keyExists);
    });
  }

  /** Records that a lost request of an entry may still take effect. */
  recordUnsettled(inputIndex: number): void {
    this.#unsettled ??= new Set();
    this.#unsettled.add(inputIndex);
    this.#call.unsettled = this.#unsettled.size;
  }

  /** Call this before `record`. A server of a new generation may have lost what the previous one acknowledged. */
  enterGeneration(driver: Driver): void {
    const { generation } = driver;
    const { keys } = this.#batch;
    const previous = this.#generation;
    if (previous !== undefined && previous !== generation) {
      this.#outcomes.forEach((outcome, index) => {
        if (outcome !== "applied" || driver.lostSince?.(previous, this.#call.bucket, keys[index] as string) === false)
          return;
        this.#outcomes[index] = "unknown";
        this.record(index, restarted);
      });
    }
    this.#generation = generation;
  }

  outcomeOf(index: number): Outcome {
    return this.#outcomes[this.#canonical(index)] as Outcome;
  }

  isUnsettled(index: number): boolean {
    return this.#unsettled?.has(this.#canonical(index)) === true;
  }

  causeOf(index: number): Fault {
    return this.#faults?.get(this.#canonical(index)) ?? this.#call.fault ?? neverSent;
  }

  #canonical(index: number): number {
    return this.#batch.canonical?.[index] ?? index;
  }

  get counts(): OutcomeCounts {
    const counts = { applied: 0, "not-applied": 0, unknown: 0 };
    for (let index = 0; index < this.size; index++) counts[this.outcomeOf(index)]++;
    return Object.freeze(counts);
  }

  /** Throws a {@link BatchError} unless all entries were applied. */
  throwIfFailed(): void {
    if (this.counts.applied < this.size) throw this.error();
  }

  /** Returns the error of a call in which some entries were not applied. */
  error(): BatchError {
    const { size, counts } = this;
    const failed = [...this.#outcomes.keys()].filter((index) => this.outcomeOf(index) !== "applied");
    const [first] = failed as [number];
    const cause = this.causeOf(first);
    const late = failed.filter((index) => this.isUnsettled(index)).length;
    const lateText = late === 0 ? "" : ` (${late} may still be applied later)`;
    const summary = `${counts["not-applied"]} of ${size} entries not applied, ${counts.unknown} unknown${lateText}`;
    const message = `${this.#call.description}: ${summary}; entry ${first} failed: ${explain(cause)}`;
    const retryable = failed.every((index) => this.causeOf(index).retryable);
    return new BatchError(cause.code, message, this, { retryable, reason: cause.reason });
  }
}

/** Returns the outcomes of a batch in which all entries have the same outcome, such as a rejected batch. */
export function uniformOutcomes(
  size: number,
  outcome: Outcome,
  cause: { readonly code: StoreErrorCode; readonly reason?: string | undefined },
  unsettled = false,
): OutcomeTable {
  const counts = Object.freeze({ applied: 0, "not-applied": 0, unknown: 0, [outcome]: size });
  return { size, counts, outcomeOf: () => outcome, causeOf: () => cause, isUnsettled: () => unsettled };
}
