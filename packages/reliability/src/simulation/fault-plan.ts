import type { Random } from "@manykv/conformance/faults";
import type { StoreErrorCode } from "@manykv/core";
import type { Fault } from "@manykv/core/driver";

/** Whether and when a write with a lost response takes effect. */
export type Effect = "never" | "at-once" | "late";

/** What the fence of a lost request does, or `absent` if the request has no fence. */
export type FenceKind = "absent" | "works" | "fails" | "throws" | "hangs";

/** What goes wrong with a request. With `keys`, the plan chooses the result of each key separately. */
export type PlanKind =
  | "none"
  | "keys"
  | "reject"
  | "throw"
  | "hang"
  | "silent"
  | "answer-late"
  | "short-answer"
  | "classify-throws";

const planWeights: Readonly<Record<PlanKind, number>> = {
  none: 1,
  keys: 8,
  reject: 5,
  throw: 2,
  hang: 1,
  silent: 3,
  "answer-late": 2,
  "short-answer": 0.5,
  "classify-throws": 0.5,
};
const keyWeights = { done: 4, unprocessed: 3, none: 2, unknown: 3 };
const effectWeights: Readonly<Record<Effect, number>> = { never: 2, "at-once": 2, late: 2 };
const fenceWeights: Readonly<Record<FenceKind, number>> = {
  absent: 2,
  works: 6,
  fails: 1,
  throws: 1,
  hangs: 1,
};

const codes: readonly StoreErrorCode[] = [
  "throttled",
  "connection-lost",
  "unavailable",
  "access-denied",
  "no-such-store",
  "internal",
];

/** Chooses at random what goes wrong with the requests of one client. */
export class FaultPlan {
  readonly #random: Random;
  readonly #probability: number;

  constructor(random: Random, probability: number) {
    this.#random = random;
    this.#probability = probability;
  }

  kind(): PlanKind {
    return this.#random.chance(this.#probability) ? this.#random.weighted(planWeights) : "none";
  }

  key(): "done" | "unprocessed" | "none" | "unknown" {
    return this.#random.weighted(keyWeights);
  }

  effect(): Effect {
    return this.#random.weighted(effectWeights);
  }

  fence(): FenceKind {
    return this.#random.weighted(fenceWeights);
  }

  fault(effect: "none" | "unknown"): Fault {
    return { code: this.#random.pick(codes), retryable: this.#random.chance(0.75), effect };
  }

  /** Returns a delay in milliseconds: usually 0, sometimes longer than an attempt. */
  time(): number {
    const random = this.#random;
    return random.pick([0, 0, 0, random.integer(1, 20), random.integer(1, 400)]);
  }

  /** Returns the delay of a late response or of the late effect of a lost write, in milliseconds. */
  lateness(): number {
    return this.#random.pick([1, 30, 300, 3_000, 30_000]) * (1 + this.#random.next());
  }

  chance(probability: number): boolean {
    return this.#random.chance(probability);
  }
}
